"""The sound that was fed and is not final yet: what a new connection is sent again. Counts in samples."""

from schemas.media import SPEECH_SAMPLE_RATE

_SAMPLE_BYTES = 2


class KeptSound:
    """Sound from sample number `begins` on; the first sample that was fed is number 0."""

    def __init__(self) -> None:
        self.begins = 0
        self._sound = bytearray()

    @property
    def ends(self) -> int:
        """The number of the first sample that did not come yet. Half a sample does not count."""
        return self.begins + len(self._sound) // _SAMPLE_BYTES

    @property
    def seconds(self) -> float:
        """How much is kept."""
        return (self.ends - self.begins) / SPEECH_SAMPLE_RATE

    def add(self, pcm: bytes) -> None:
        """Keeps more sound, cut anywhere."""
        self._sound += pcm

    def piece(self, start: int, most: int) -> bytes:
        """At most so many samples from number `start` on, whole ones; none where there are none. `start` is kept."""
        first = (start - self.begins) * _SAMPLE_BYTES
        last = min(start - self.begins + most, self.ends - self.begins) * _SAMPLE_BYTES
        return bytes(self._sound[first:last])

    def release(self, until: int) -> None:
        """Lets go of what lies before number `until`. Never goes back, and never beyond the end."""
        until = min(max(until, self.begins), self.ends)
        del self._sound[: (until - self.begins) * _SAMPLE_BYTES]
        self.begins = until

    def take(self) -> bytes:
        """All that is kept, half a sample too; none of it is kept any more."""
        taken, self.begins, self._sound = bytes(self._sound), self.ends, bytearray()
        return taken
