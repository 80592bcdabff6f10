"""A growing recording, chunk by chunk: what comes out before the next chunk is asked for."""

import io
import json
from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path

import av
import pytest

from schemas.failures import Permanent
from streams.media.audio import extract_audio
from streams.media.following import follow
from streams.media.messages import AudioDone, LiveSound, LiveTracks
from tests.media.make import SCREEN_H264, SCREEN_VP8, Tone, recording, shots

LIVE_MP4 = {"movflags": "empty_moov+default_base_moof", "frag_duration": "1000000"}


def followed(chunks: list[bytes]) -> list[tuple[int, LiveTracks | LiveSound]]:
    """Each message, with how many chunks had been taken when it came."""
    taken = 0

    def slices() -> Iterator[bytes]:
        nonlocal taken
        for chunk in chunks:
            taken += 1
            yield chunk

    return [(taken, message) for message in follow(slices())]


def sound_of(messages: list[tuple[int, LiveTracks | LiveSound]]) -> bytes:
    """All sound; it has no hole."""
    pcm = bytearray()
    for _, message in messages:
        if isinstance(message, LiveSound):
            assert message.start == len(pcm) / 32_000
            pcm += message.pcm
    return bytes(pcm)


def reached(messages: list[tuple[int, LiveTracks | LiveSound]]) -> dict[int, float]:
    """How far the sound was, in seconds, after so many chunks."""
    sounds = [(taken, message) for taken, message in messages if isinstance(message, LiveSound)]
    return {taken: sound.start + len(sound.pcm) / 32_000 for taken, sound in sounds}


def screen_chunks() -> list[bytes]:
    """A recording of a browser in the chunks of a second in which it came."""
    stream = io.BytesIO(SCREEN_VP8.read_bytes())
    return [stream.read(size) for size in json.loads(SCREEN_VP8.with_suffix(".chunks.json").read_text())["chunk_bytes"]]


def mp4_chunks(path: Path) -> list[bytes]:
    """The recording as an MP4 in fragments of a second, each written when it is complete."""
    written: list[bytes] = []

    class Written:
        def write(self, data: bytes) -> int:
            written.append(data)
            return len(data)

    with av.open(str(path)) as source, av.open(Written(), "w", format="mp4", options=LIVE_MP4) as output:
        tracks = {stream.index: output.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = tracks[packet.stream.index]
                output.mux(packet)
    return written


def test_the_sound_of_a_chunk_comes_out_before_the_next_one_is_asked_for() -> None:
    chunks = screen_chunks()
    messages = followed(chunks)
    assert messages[0] == (1, LiveTracks(has_sound=True))
    there, got = _sound_in(chunks), reached(messages)
    assert all(got.get(taken, got[taken - 1] if taken > 1 else 0.0) > until - 0.2 for taken, until in there.items())
    assert len(sound_of(messages)) / 32_000 == pytest.approx(44.35, abs=0.05)


def _sound_in(chunks: list[bytes]) -> dict[int, float]:
    """How far the sound goes that lies in so many chunks, in seconds."""
    ends = list(accumulate(map(len, chunks)))
    with av.open(str(SCREEN_VP8)) as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size]
    return {
        bisect_left(ends, packet.pos + packet.size) + 1: float((packet.pts + packet.duration) * packet.time_base)
        for packet in packets
    }


def test_an_mp4_in_fragments_is_followed_too() -> None:
    chunks = mp4_chunks(SCREEN_H264)
    messages = followed(chunks)
    assert 19 < len(sound_of(messages)) / 32_000 < 21
    half = reached(messages)[max(taken for taken in reached(messages) if taken <= len(chunks) // 2)]
    assert half > 8


SCATTERED = [Tone(590 * n, 590 * n + 0.1) for n in range(4)]


@pytest.mark.parametrize("sounds", [[Tone(0, 3)], [Tone(0, 1), Tone(4, 5, 880)], [Tone(2, 3)], SCATTERED], ids=str)
def test_the_sound_is_that_of_the_finished_recording(sounds: list[Tone], tmp_path: Path) -> None:
    path = recording(tmp_path / "gaps.webm", shots(5), sounds)
    *_, done = extract_audio(path, tmp_path)
    assert isinstance(done, AudioDone)
    assert done.wav is not None
    data = path.read_bytes()
    live = sound_of(followed([data[start : start + 5_000] for start in range(0, len(data), 5_000)]))
    assert live == done.wav.path.read_bytes()[44:]


def test_a_recording_without_sound_says_so_at_once(tmp_path: Path) -> None:
    data = recording(tmp_path / "quiet.webm", shots(3)).read_bytes()
    [(taken, message)] = followed([data, *[bytes(1_000)] * 50])
    assert message == LiveTracks(has_sound=False)
    assert taken < 50, "it is not only known at the end"


def _nothing(_: bytes) -> list[bytes]:
    return []


def _zeros(_: bytes) -> list[bytes]:
    return [bytes(70_000)] * 3


def _other_container(_: bytes) -> list[bytes]:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="wav") as output:
        frame = av.AudioFrame("s16", "mono", 1_600)
        frame.sample_rate = 16_000
        output.mux(output.add_stream("pcm_s16le", rate=16_000, layout="mono").encode(frame))
    return [buffer.getvalue()]


@pytest.mark.parametrize("made", [_nothing, _zeros, _other_container])
def test_what_is_no_recording_is_said_to_be_none(made: Callable[[bytes], list[bytes]]) -> None:
    with pytest.raises(Permanent) as caught:
        followed(made(b""))
    assert caught.value.code == "not_media"


def test_a_recording_that_is_broken_in_the_middle_goes_on_where_it_can() -> None:
    chunks = screen_chunks()[:12]
    chunks[5] = b"none of a recording" * 4_000
    assert len(sound_of(followed(chunks))) / 32_000 > 11
