"""The child's side of streams/media/growing: the bytes of a recording as they come, and the sound in them."""

from collections.abc import Iterator

from av.audio.frame import AudioFrame

from providers.child_limits import renew_cpu
from schemas.failures import Permanent
from schemas.media import SPEECH_SAMPLE_RATE
from streams.media.messages import LiveMessage, LiveSound, LiveTracks
from streams.media.sound import Steady
from streams.media.source import Source, followed, translated

CPU_SECONDS_A_MINUTE = 60
"""Processor seconds that a minute of a recording may take. What is decoded gives more, so no recording is too long."""

_SAMPLE_BYTES = 2
_PIECE_BYTES = SPEECH_SAMPLE_RATE * _SAMPLE_BYTES // 10


class Growing:
    """The bytes as FFmpeg reads them: it waits for those that are not there yet, and cannot go back."""

    name = "recording"

    def __init__(self, slices: Iterator[bytes]) -> None:
        self._slices = slices
        self._left = b""
        self.ended = False

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, as many as there are; none at the end. Blocks until there are some."""
        while not self._left and not self.ended:
            self._left = next(self._slices, b"")
            self.ended = not self._left
        piece, self._left = self._left[:size], self._left[size:]
        return piece


def follow(slices: Iterator[bytes]) -> Iterator[LiveMessage]:
    """Says whether there is sound, then yields it as it can be decoded. See growing.Decoder.pcm for what it raises."""
    renew_cpu(CPU_SECONDS_A_MINUTE)
    file = Growing(slices)
    with translated(), followed(file) as recording:
        yield LiveTracks(has_sound=recording.audio is not None)
        if recording.audio is not None:
            yield from _sounding(recording, file)


def _sounding(recording: Source, file: Growing) -> Iterator[LiveSound]:
    pieces, minutes = _Pieces(), 0
    for packet in recording.packets():
        if recording.audio is not None and packet.stream_index == recording.audio.index:
            for frame in recording.sound_frames(packet):
                yield from pieces.feed(frame)
        if recording.timeline.head // 60 > minutes:
            minutes = int(recording.timeline.head // 60)
            renew_cpu(CPU_SECONDS_A_MINUTE)
    yield from pieces.drain()
    if not file.ended:
        raise Permanent("undecodable", "The recording cannot be decoded any further: its bytes are broken.")


class _Pieces:
    """Cuts the sound into pieces of a tenth of a second: soon enough to be live, and no flood of messages."""

    def __init__(self) -> None:
        self._steady = Steady(SPEECH_SAMPLE_RATE, "mono", "s16")
        self._waiting = bytearray()
        self._start = 0

    def feed(self, frame: AudioFrame) -> Iterator[LiveSound]:
        """The pieces that are complete with `frame`."""
        for steady in self._steady.feed(frame):
            self._waiting += bytes(steady.planes[0])[: steady.samples * _SAMPLE_BYTES]
            if len(self._waiting) >= _PIECE_BYTES:
                yield self._piece()

    def drain(self) -> Iterator[LiveSound]:
        """The last piece, if anything is left."""
        for steady in self._steady.drain():
            self._waiting += bytes(steady.planes[0])[: steady.samples * _SAMPLE_BYTES]
        if self._waiting:
            yield self._piece()

    def _piece(self) -> LiveSound:
        sound = LiveSound(self._start / SPEECH_SAMPLE_RATE, bytes(self._waiting))
        self._start += len(self._waiting) // _SAMPLE_BYTES
        self._waiting.clear()
        return sound
