"""The bounds of the media room: how large, how long and how many a hostile file can make anything."""

from collections.abc import Iterable
from typing import Protocol

from schemas.failures import Permanent

MAX_PIXELS = 8192 * 4320
"""Pixels of a source picture. Beyond it the file is refused before anything of that size is allocated."""

MAX_OUTPUT_PIXELS = 3840 * 2160
"""Pixels of a rendered picture: an encoder holds dozens of them. A larger source is scaled down or copied."""

MAX_DURATION = 12 * 3600.0
"""Seconds of a recording."""

MAX_GAP = 600.0
"""Seconds without anything in any stream that are still believed. A longer jump of the clock is taken out."""

MAX_EMPTY = 600.0
EMPTY_SHARE = 4.0
PACKET_SECONDS = 0.5
"""How much of a recording with sound may be gaps: MAX_EMPTY seconds, and EMPTY_SHARE seconds for each second that its
packets fill, a packet at most PACKET_SECONDS. A gap beyond it is taken out like one that is too long, or a few packets
would become hours of silence: so these take as many bytes as codecs need to say it themselves.
"""

MAX_STEP_BACK = 10.0
"""Seconds by which a stream may step back. A longer step means that its clock was started again: it then continues."""

MAX_PICTURE_BYTES = 64 * 1024 * 1024
"""Bytes of a poster or thumbnail: more than the largest picture can take in the quality that they have."""

MAX_THUMBNAILS = 100
MAX_SCENES = 500

READ_TIMEOUT = 30.0
"""Seconds for which a read from the source is tried again and again."""


class _Plane(Protocol):
    @property
    def buffer_size(self) -> int: ...


class _Frame(Protocol):
    @property
    def planes(self) -> Iterable[_Plane]: ...


class Allowance:
    """How much a file may decode to, in bytes of frames over all readings of it; without a number, any amount."""

    def __init__(self, decoded_bytes: int | None = None) -> None:
        self._allowed = decoded_bytes
        self._taken = 0

    def take(self, frame: _Frame) -> None:
        """Counts a frame. Raises Permanent(decoded_limit) once there are too many."""
        self._taken += sum(plane.buffer_size for plane in frame.planes)
        if self._allowed is not None and self._taken > self._allowed:
            size = f"{self._allowed / 1024**3:.4g}"
            raise Permanent(
                "decoded_limit", f"The file decodes to more than its limit of {size} GB (MEDIA_DECODED_GB)."
            )
