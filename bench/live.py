"""A recording while it is made: how long a word takes to its watcher, and a transcript from the stop to its end.

Four recorders, each of a person of its own, send a clip at its own pace, in chunks of a second, by tus. Goals: from the
chunk with a word's end being sent to that word on the watcher's websocket, median at most 1.5 s and p99 at most 3 s;
from the stop to the complete transcript at most 5 s, for a minute and for an hour alike. The hour is one of silence
with a sentence in each minute: a chunk is a minute, sent at the pace of the sentence.

Which word ends a sentence is what the speech engine hears in the clip; when it ends is what lies in the sound: the last
frame before the sentence's end that is louder than the clip's quiet. The engine itself ends a sentence up to half a
second later, when it is sure of the silence, and a word may be shown before that. Run: python -m bench.live
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np

from bench.machine import describe
from bench.running import CLIP, platform, repeated, signed_in
from deploy.demo.client import Client
from providers.child import Children
from providers.speech.moonshine import Moonshine
from schemas.media import SPEECH_SAMPLE_RATE
from schemas.transcripts import Segment

_RECORDERS = 4
_TUS = {"Tus-Resumable": "1.0.0"}
_NEAR_SECONDS = 1.5
"""A word is the one that is looked for if it is heard so near to where it was said."""
_SENTENCE_SECONDS = 5.0
_FRAME_SAMPLES = SPEECH_SAMPLE_RATE // 50
_QUIET_PERCENT = 20
"""At least so much of the clip is silence between words."""
_AUDIBLE = 2.0
"""So many times louder than the loudest of that a frame is sound."""


@dataclass
class Recording:
    """A recording in chunks, and the last word of each sentence: its end in seconds, and in which chunk that lies."""

    chunks: list[bytes]
    pace: float
    words: list[tuple[float, str, int]] = field(default_factory=list)


@dataclass
class Seen:
    """What a watcher was told, and when."""

    at: float
    heard: list[tuple[float, float, str]]
    complete: bool


def cut(file: Path, pace: float, seconds: float, sentences: Sequence[tuple[float, str]] = ()) -> Recording:
    """The recording in chunks of so many seconds of it; one is sent every `pace` seconds."""
    data = file.read_bytes()
    with av.open(str(file)) as source:
        packets = [
            (float(packet.pts * packet.time_base), packet.pos, packet.stream.type)
            for packet in source.demux()
            if packet.pts is not None and packet.pos is not None
        ]
    edges, due = [0], seconds
    for at, position, _ in packets:
        while at >= due:
            edges.append(position)
            due += seconds
    edges.append(len(data))
    chunks = [data[start:end] for start, end in pairwise(edges)]
    made = Recording(chunks, pace)
    for end, word in sentences:
        position = next((position for at, position, kind in packets if kind == "audio" and at >= end), len(data) - 1)
        chunk = next(number for number, edge in enumerate(edges[1:]) if position < edge)
        made.words.append((end, word, chunk))
    return made


async def said() -> tuple[list[tuple[float, str]], float]:
    """The last word of each sentence in the clip, with where it ends, and how long the clip is."""
    pcm = _sound_of(CLIP)

    async def sound() -> AsyncIterator[bytes]:
        yield pcm

    segments: list[Segment] = []
    async with Children() as children, aclosing(Moonshine(children).transcribe(sound())) as all_heard:
        async for heard in all_heard:
            segments += heard.segments
    with av.open(str(CLIP)) as source:
        ends = [
            float((packet.pts + (packet.duration or 0)) * packet.time_base)
            for packet in source.demux()
            if packet.pts is not None
        ]
    return [(_last_sound(pcm, segment.end), _bare(segment.text).split()[-1]) for segment in segments], max(ends) + 0.05


def _sound_of(file: Path) -> bytes:
    pcm = bytearray()
    with av.open(str(file)) as source:
        resampler = av.AudioResampler("s16", "mono", SPEECH_SAMPLE_RATE)
        for frame in source.decode(audio=0):
            for even in resampler.resample(frame):
                pcm += bytes(even.planes[0])[: even.samples * 2]
    return bytes(pcm)


def _last_sound(pcm: bytes, before: float) -> float:
    """Where the last frame ends, in seconds, that is louder than the clip's quiet and lies before that moment."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float32)
    frames = samples[: len(samples) // _FRAME_SAMPLES * _FRAME_SAMPLES].reshape(-1, _FRAME_SAMPLES)
    loudness = np.sqrt((frames**2).mean(axis=1))
    audible = np.flatnonzero(loudness > _AUDIBLE * np.percentile(loudness, _QUIET_PERCENT))
    within = audible[audible < int(before * SPEECH_SAMPLE_RATE / _FRAME_SAMPLES)]
    return float(within[-1] + 1) * _FRAME_SAMPLES / SPEECH_SAMPLE_RATE


def spaced(target: Path, minutes: int) -> Path:
    """So many minutes with a sentence in each: the clip's first seconds of sound, and nothing in between."""
    with av.open(str(CLIP)) as source, av.open(str(target), "w", format="webm", options={"live": "1"}) as out:
        template = source.streams.audio[0]
        track = out.add_stream_from_template(template)
        packets = [packet for packet in source.demux(template) if packet.pts is not None]
        spoken = [packet for packet in packets if float((packet.pts or 0) * packet.time_base) < _SENTENCE_SECONDS]
        starts = [(packet.pts or 0, packet.dts or 0) for packet in spoken]
        for minute in range(minutes):
            for packet, (pts, dts) in zip(spoken, starts, strict=True):
                shift = round(minute * 60 / packet.time_base)
                packet.pts, packet.dts, packet.stream = pts + shift, dts + shift, track
                out.mux(packet)
    return target


async def record(client: Client, recording: Recording) -> tuple[list[float], float, list[Seen]]:
    """When each chunk was sent, when the recorder stopped, and what a watcher saw."""
    session, headers = client._http, {**client._headers, **_TUS}
    async with session.post("/api/v1/uploads", headers={**headers, "Upload-Defer-Length": "1"}) as response:
        address = response.headers["Location"]
    sent: list[float] = []
    seen: list[Seen] = []
    watching: asyncio.Task[None] | None = None
    offset, began = 0, time.perf_counter()
    for number, chunk in enumerate(recording.chunks):
        await asyncio.sleep(max(0.0, began + number * recording.pace - time.perf_counter()))
        sent.append(time.perf_counter())
        offset = await _patch(client, address, offset, chunk)
        if watching is None:
            job_id = (await client.call("GET", f"/api/v1/recordings/{address.rsplit('/', 1)[1]}"))["job_id"]
            watching = asyncio.create_task(_watch(client, job_id, seen))
    stopped = time.perf_counter()
    await _patch(client, address, offset, b"", {"Upload-Length": str(offset)})
    assert watching is not None
    async with asyncio.timeout(300):
        await watching
    await client.call("DELETE", f"/api/v1/recordings/{address.rsplit('/', 1)[1]}/")
    return sent, stopped, seen


async def _patch(client: Client, address: str, offset: int, body: bytes, more: dict[str, str] | None = None) -> int:
    headers = {
        **client._headers,
        **_TUS,
        **(more or {}),
        "Upload-Offset": str(offset),
        "Content-Type": "application/offset+octet-stream",
    }
    async with client._http.patch(address, data=body, headers=headers) as response:
        assert response.status == 204, await response.text()
        return int(response.headers["Upload-Offset"])


async def _watch(client: Client, job_id: str, seen: list[Seen]) -> None:
    """Until the transcript is complete."""
    async for state in client.watch(job_id):
        seen.append(_seen(state["results"], time.perf_counter()))
        if seen[-1].complete:
            return


def _seen(results: dict[str, Any], at: float) -> Seen:
    transcript, draft = results.get("transcript", {}), results.get("live", {}).get("draft")
    heard = [*transcript.get("segments", ()), *([draft] if draft else ())]
    return Seen(
        at, [(one["start"], one["end"], _bare(one["text"])) for one in heard], transcript.get("complete", False)
    )


def _bare(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum() or letter == " ")


def delays(recording: Recording, sent: list[float], seen: list[Seen]) -> tuple[list[float], int]:
    """From the chunk with each word's end being sent to the word being shown; and how many never were."""
    found, missed = [], 0
    for end, word, chunk in recording.words:
        shown = next((state.at for state in seen if _says(state, end, word)), None)
        if shown is None:
            missed += 1
        else:
            found.append(shown - sent[chunk])
    return found, missed


def _says(state: Seen, end: float, word: str) -> bool:
    near = (text for start, until, text in state.heard if start - _NEAR_SECONDS <= end <= until + _NEAR_SECONDS)
    return any(word in text.split() for text in near)


def _complete(stopped: float, seen: list[Seen]) -> float:
    return seen[-1].at - stopped


async def main() -> None:
    """Prints the delays of words, then the times from stop to transcript."""
    options = argparse.ArgumentParser(prog="python -m bench.live", description=main.__doc__)
    options.add_argument("--clips", type=int, default=2, help="how often each recorder sends the clip of 45 s")
    options.add_argument("--minutes", type=int, default=60, help="how long the long recording is")
    given = options.parse_args()
    print(describe())
    print(json.dumps({"recorders": _RECORDERS, "clips": given.clips}))
    with tempfile.TemporaryDirectory(prefix="tidemark-bench-") as folder:
        spoken_words, length = await said()
        clips = repeated(CLIP, given.clips, Path(folder) / "clips.webm")
        sentences = [(end + number * length, word) for number in range(given.clips) for end, word in spoken_words]
        spoken = cut(clips, 1.0, 1.0, sentences)
        minute = Recording(spoken.chunks[:60], 1.0)
        hour = cut(spaced(Path(folder) / "hour.webm", given.minutes), _SENTENCE_SECONDS, 60.0)
        async with AsyncExitStack() as opened:
            running = await opened.enter_async_context(platform())
            clients = [await opened.enter_async_context(signed_in(running)) for _ in range(_RECORDERS)]
            client = clients[0]
            await record(client, Recording(spoken.chunks[:10], 1.0))  # warm-up
            together = await asyncio.gather(*(record(each, spoken) for each in clients))
            found = [delays(spoken, sent, seen) for sent, _, seen in together]
            after_minute = await record(client, minute)
            after_hour = await record(client, hour)
    words = sorted(delay for some, _ in found for delay in some)
    p99 = words[min(len(words) - 1, int(len(words) * 0.99))]
    print(
        f"a word, of {len(words)}          median {statistics.median(words):.2f} s, p99 {p99:.2f} s  (goal 1.5 and 3 s)"
    )
    print(f"words not heard so       {sum(missed for _, missed in found)}")
    ends = ", ".join(f"{_complete(stopped, seen):.1f}" for _, stopped, seen in together)
    print(f"stop to transcript       {ends} s, all {_RECORDERS} at once")
    print(f"after a minute           {_complete(*after_minute[1:]):.1f} s  (goal 5 s)")
    print(f"after {given.minutes:2} minutes         {_complete(*after_hour[1:]):.1f} s  (goal 5 s)")


if __name__ == "__main__":
    asyncio.run(main())
