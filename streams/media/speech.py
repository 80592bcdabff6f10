"""The speech audio: mono 16 kHz PCM, handed out in parts while it is decoded and kept whole as a WAV."""

import json
import math
import wave
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from av.audio.frame import AudioFrame

from schemas.media import SPEECH_SAMPLE_RATE, WAVEFORM_POINTS
from streams.media.messages import Loudness, SpeechPart
from streams.media.sound import Steady

FIRST_PARTS = (6, 8, 16)
PART_SECONDS = 30
"""Seconds of the first parts, short so that the first words come soon, and of every later one."""

PART_BYTES = PART_SECONDS * SPEECH_SAMPLE_RATE * 2
"""The size of the largest part."""

_WINDOW = SPEECH_SAMPLE_RATE // 10
_SILENCE_DBFS = -50.0
_FULL_SCALE = 32768.0
_QUIETEST = 0.01
"""The peak under which a recording is taken for silent, and its waveform not drawn larger."""


class SpeechFiles:
    """Writes the WAV and the parts of one recording into `workdir`. The WAV is whole when the block ends."""

    def __init__(self, workdir: Path) -> None:
        self._workdir = workdir
        self._steady = Steady(SPEECH_SAMPLE_RATE, "mono", "s16")
        self.path = workdir / "speech.wav"
        self.seconds = 0.0
        self._wav = wave.open(str(self.path), "wb")  # noqa: SIM115 - closed by __exit__; parts come in between
        self._wav.setnchannels(1)
        self._wav.setsampwidth(2)
        self._wav.setframerate(SPEECH_SAMPLE_RATE)
        self._waiting = bytearray()
        self._index = 0
        self._meter = _Meter()

    def __enter__(self) -> "SpeechFiles":
        return self

    def __exit__(self, *_: object) -> None:
        self._wav.close()

    def feed(self, frame: AudioFrame) -> Iterator[SpeechPart]:
        """The parts that are complete with `frame`."""
        for steady in self._steady.feed(frame):
            yield from self._take(steady)

    def drain(self) -> Iterator[SpeechPart]:
        """The last part, shorter than the others, if anything is left."""
        for steady in self._steady.drain():
            yield from self._take(steady)
        if self._waiting:
            yield self._part(len(self._waiting))

    def loudness(self) -> Loudness | None:
        """How loud all of it is; None where there is nothing."""
        return self._meter.reading()

    def waveform(self) -> Path:
        """The peaks over time, written as JSON: see schemas.media.RenditionKind."""
        path = self._workdir / "waveform.json"
        path.write_text(json.dumps({"peaks": self._meter.peaks(WAVEFORM_POINTS)}))
        return path

    def _take(self, steady: AudioFrame) -> Iterator[SpeechPart]:
        self._waiting += bytes(steady.planes[0])[: steady.samples * 2]
        while len(self._waiting) >= (wanted := self._wanted()):
            yield self._part(wanted)

    def _wanted(self) -> int:
        length = FIRST_PARTS[self._index] if self._index < len(FIRST_PARTS) else PART_SECONDS
        return length * SPEECH_SAMPLE_RATE * 2

    def _part(self, size: int) -> SpeechPart:
        pcm = bytes(self._waiting[:size])
        del self._waiting[:size]
        self._wav.writeframesraw(pcm)
        self._meter.add(pcm)
        path = self._workdir / f"speech-{self._index:05}.pcm"
        path.write_bytes(pcm)
        end = self.seconds + size / 2 / SPEECH_SAMPLE_RATE
        part = SpeechPart(self._index, self.seconds, end, path)
        self._index, self.seconds = self._index + 1, end
        return part


class _Meter:
    def __init__(self) -> None:
        self._energy, self._samples, self._peak, self._windows, self._silent = 0.0, 0, 0.0, 0, 0
        self._peaks = array("f")

    def add(self, pcm: bytes) -> None:
        samples = np.frombuffer(pcm, np.int16).astype(np.float32) / _FULL_SCALE
        windows = samples[: samples.size // _WINDOW * _WINDOW].reshape(-1, _WINDOW)
        power = np.square(windows).mean(axis=1)
        self._silent += int((power < 10 ** (_SILENCE_DBFS / 10)).sum())
        self._windows += power.size
        self._peaks.extend(np.abs(windows).max(axis=1).tolist())
        self._energy += float(np.square(samples).sum())
        self._samples += samples.size
        self._peak = max(self._peak, float(np.abs(samples).max()))

    def peaks(self, most: int) -> list[float]:
        """At most so many peaks, each of as long a stretch as the others. The loudest is 1, unless all is silent."""
        if not self._peaks:
            return []
        stretches = np.array_split(np.array(self._peaks), min(most, len(self._peaks)))
        found = np.array([stretch.max() for stretch in stretches])
        return [round(float(peak), 3) for peak in found / max(float(found.max()), _QUIETEST)]

    def reading(self) -> Loudness | None:
        if not self._samples:
            return None
        rms = math.sqrt(self._energy / self._samples)
        return Loudness(_dbfs(rms), _dbfs(self._peak), self._silent / self._windows if self._windows else 0.0)


def _dbfs(amplitude: float) -> float:
    return round(20 * math.log10(max(amplitude, 1 / _FULL_SCALE)), 1)
