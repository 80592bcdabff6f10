"""The clock of a recording: makes positions out of the timestamps of its streams, whatever those do.

Position 0 is the first timestamp of the file. All streams share one clock, so what belongs together stays together:
- a jump forward by at most MAX_GAP beyond everything seen so far is a gap, and stays one;
- a longer jump (a machine that slept, a broken muxer) is taken out: the stream goes on where the recording was;
- so is a step back by more than MAX_STEP_BACK (a recorder that started its clock again);
- a correction that one stream needed is offered first to the next one that breaks, so that both break alike, and a
  stream that comes back from a stray timestamp finds its old correction.
Fed with the same packets in the same order it gives the same positions: the audio pass and the render pass agree.
"""

from dataclasses import dataclass

from schemas.failures import Permanent
from streams.media.limits import MAX_DURATION, MAX_GAP, MAX_STEP_BACK

_REMEMBERED = 8
_INTERLEAVE = 1.0


@dataclass
class _Track:
    shift: float
    end: float = 0.0


class Timeline:
    """Positions for one reading of one file. `origin` is the first timestamp of the file, in seconds."""

    def __init__(self, origin: float = 0.0) -> None:
        self.head = 0.0
        self._tracks: dict[int, _Track] = {}
        self._shifts = [origin]

    def shift(self, stream: int, stamp: float, duration: float = 0.0) -> float:
        """The seconds to take from `stamp` (the next packet's, in reading order) to have its position.

        Raises Permanent(media_too_long) once positions pass MAX_DURATION.
        """
        track = self._tracks.setdefault(stream, _Track(self._shifts[0]))
        if self._breaks(track, stamp - track.shift):
            track.shift = self._mended(track, stamp)
        track.end = max(track.end, stamp - track.shift + min(duration, MAX_GAP))
        self.head = max(self.head, track.end)
        if self.head > MAX_DURATION:
            raise Permanent("media_too_long", f"The recording is longer than {MAX_DURATION / 3600:.0f} hours.")
        return track.shift

    def end_of(self, stream: int) -> float:
        """Where `stream` has got to."""
        return self._tracks[stream].end if stream in self._tracks else 0.0

    def _breaks(self, track: _Track, position: float) -> bool:
        return position > self.head + MAX_GAP or position < track.end - MAX_STEP_BACK

    def _mended(self, track: _Track, stamp: float) -> float:
        for known in reversed(self._shifts):
            if not self._breaks(track, stamp - known):
                return known
        fresh = stamp - max(track.end, self.head - _INTERLEAVE)
        self._shifts = [self._shifts[0], *self._shifts[1:], fresh][-_REMEMBERED:]
        return fresh
