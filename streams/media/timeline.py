"""The clock of a recording: makes positions out of the timestamps of its streams, whatever those do.

Position 0 is the first timestamp of the file. All streams share one clock, so what belongs together stays together:
- a jump forward by at most MAX_GAP beyond everything seen so far is a gap, and stays one;
- but in a recording with sound gaps are silence, which costs: more of them than MAX_EMPTY and EMPTY_SHARE allow are not
  believed either;
- a longer jump (a machine that slept, a broken muxer) is taken out: the stream goes on where the recording was;
- so is a step back by more than MAX_STEP_BACK (a recorder that started its clock again);
- a correction that one stream needed is offered first to the next one that breaks, so that both break alike, and a
  stream that comes back from a stray timestamp finds its old correction.
Fed with the same packets in the same order it gives the same positions: the audio pass and the render pass agree.
"""

import math
from dataclasses import dataclass

from schemas.failures import Permanent
from streams.media.limits import EMPTY_SHARE, MAX_DURATION, MAX_EMPTY, MAX_GAP, MAX_STEP_BACK, PACKET_SECONDS

_REMEMBERED = 8
_INTERLEAVE = 1.0


@dataclass
class _Track:
    shift: float
    end: float = 0.0


class Timeline:
    """Positions for one reading of one file. `origin` is the first timestamp of the file, in seconds.

    Without sound, gaps are believed however many there are: pictures may stand for as long as they like.
    """

    def __init__(self, origin: float = 0.0, *, sound: bool = True) -> None:
        self.head = 0.0
        self._tracks: dict[int, _Track] = {}
        self._shifts = [origin]
        self._empty = MAX_EMPTY if sound else math.inf

    def shift(self, stream: int, stamp: float, duration: float = 0.0) -> float:
        """The seconds to take from `stamp` (the next packet's, in reading order) to have its position.

        Raises Permanent(media_too_long) once positions pass MAX_DURATION.
        """
        track = self._tracks.setdefault(stream, _Track(self._shifts[0]))
        if not self._fits(track, stamp - track.shift, MAX_STEP_BACK):
            track.shift = self._mended(track, stamp)
        reached = min(stamp - track.shift + duration, self.head + self._farthest())
        track.end = max(track.end, reached)
        self._advance(max(reached - self.head, 0.0))
        return track.shift

    def end_of(self, stream: int) -> float:
        """Where `stream` has got to."""
        return self._tracks[stream].end if stream in self._tracks else 0.0

    def _farthest(self) -> float:
        """How far beyond everything seen so far the next packet may lie, or last."""
        return min(MAX_GAP, self._empty + PACKET_SECONDS)

    def _fits(self, track: _Track, position: float, ahead: float) -> bool:
        return track.end - MAX_STEP_BACK <= position <= self.head + min(ahead, self._farthest())

    def _mended(self, track: _Track, stamp: float) -> float:
        """What puts the stream near the others goes before its own gap: one may be believed just when the other's was
        not any more.
        """
        corrections = self._shifts[::-1]
        for ahead, shifts in ((MAX_STEP_BACK, corrections), (MAX_GAP, (track.shift, *corrections))):
            for known in shifts:
                if self._fits(track, stamp - known, ahead):
                    return known
        fresh = stamp - max(track.end, self.head - _INTERLEAVE)
        self._shifts = [self._shifts[0], *self._shifts[1:], fresh][-_REMEMBERED:]
        return fresh

    def _advance(self, seconds: float) -> None:
        filled = min(seconds, PACKET_SECONDS)
        self._empty += EMPTY_SHARE * filled - (seconds - filled)
        self.head += seconds
        if self.head > MAX_DURATION:
            raise Permanent("media_too_long", f"The recording is longer than {MAX_DURATION / 3600:.0f} hours.")
