"""How far a pass is, told in hundredths."""

from collections.abc import Iterator

from av.packet import Packet
from av.stream import Stream

from streams.media.messages import Progress
from streams.media.source import Source

_STEP = 0.01


class ProgressMeter:
    """Turns packets into at most a hundred messages."""

    def __init__(self, recording: Source) -> None:
        self._recording = recording
        self._told = 0.0

    def after(self, packet: "Packet[Stream]") -> Iterator[Progress]:
        """The message that is due after `packet`, if one is."""
        fraction = self._recording.fraction(packet)
        if fraction >= self._told + _STEP:
            self._told = fraction
            yield Progress(fraction)
