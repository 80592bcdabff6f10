"""Where lectures are downloaded from: addresses that people name, and that nobody here knows.

`Downloads` is the face; behind it are addresses (what is public), guard (the only way out), body (one file, resumed
after a break), playlists (what an HLS playlist asks for) and segments (one stream made of it).
"""

from providers.sources.download import Downloads, Stream

__all__ = ["Downloads", "Stream"]
