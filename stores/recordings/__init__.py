"""Recordings in MongoDB: the repository, its lists and sums, and how a document is changed."""

from stores.recordings.lists import WITHOUT_BYTES, Usage
from stores.recordings.repository import Recordings, fence_of

__all__ = ["WITHOUT_BYTES", "Recordings", "Usage", "fence_of"]
