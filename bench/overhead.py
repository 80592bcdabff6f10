"""What the platform adds: the wall time of a whole job against the media, speech and analysis calls by themselves.

The calls run as the job runs them (render beside audio → speech → analysis, each media and speech call in a warm
process of its own) but with nothing in between: no Kafka, documents, objects, progress. Goal: at most 1.15.
Run: python -m bench.overhead
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

from bench.machine import describe
from bench.running import CLIP, platform, signed_in
from deploy.demo.client import Client
from providers.child import Children
from providers.language.extractive import Extractive
from providers.speech.moonshine import Moonshine
from schemas.transcripts import Transcript
from streams.media.audio import extract_audio
from streams.media.messages import SpeechPart
from streams.media.render import render

_ROUNDS = 5
_CALM_SECONDS = 3.0
"""Before each round, so that idle children wait again."""


class Calls:
    """The calls of the pipeline, bare, with the seconds that each took."""

    def __init__(self, media: Children, picture: Children, speech: Children, folder: Path) -> None:
        self._media, self._picture, self._speech, self._folder = media, picture, speech, folder
        self.seconds: dict[str, float] = {}

    async def all(self) -> float:
        """Runs them as the job does; the wall time."""
        await asyncio.sleep(_CALM_SECONDS)
        started = time.perf_counter()
        await asyncio.gather(self._render(), self._words())
        return time.perf_counter() - started

    async def _render(self) -> None:
        started = time.perf_counter()
        folder = self._folder / "render"
        folder.mkdir(exist_ok=True)
        async for _ in self._picture.run(render, str(CLIP), folder):
            pass
        self.seconds["render"] = time.perf_counter() - started

    async def _words(self) -> None:
        parts: asyncio.Queue[Path | None] = asyncio.Queue()
        audio = asyncio.create_task(self._audio(parts))
        started = time.perf_counter()
        segments = [
            segment async for heard in Moonshine(self._speech).transcribe(_pcm(parts)) for segment in heard.segments
        ]
        await audio
        self.seconds["speech"] = time.perf_counter() - started
        started = time.perf_counter()
        text = " ".join(segment.text for segment in segments)
        await Extractive().analyse(Transcript(language="en", text=text, segments=tuple(segments)))
        self.seconds["analysis"] = time.perf_counter() - started

    async def _audio(self, parts: "asyncio.Queue[Path | None]") -> None:
        started = time.perf_counter()
        folder = self._folder / "audio"
        folder.mkdir(exist_ok=True)
        async for message in self._media.run(extract_audio, str(CLIP), folder):
            if isinstance(message, SpeechPart):
                parts.put_nowait(message.path)
        parts.put_nowait(None)
        self.seconds["audio"] = time.perf_counter() - started


async def _pcm(parts: "asyncio.Queue[Path | None]") -> AsyncIterator[bytes]:
    while (path := await parts.get()) is not None:
        yield path.read_bytes()


async def whole_job(client: Client) -> float:
    """The seconds from asking for completion to the last state of the job."""
    await asyncio.sleep(_CALM_SECONDS)
    asked = await client.announce(CLIP)
    await client.put(asked["upload_url"], CLIP)
    started = time.perf_counter()
    accepted = await client.complete(asked)
    states = [state async for state in client.watch(accepted["job_id"])]
    if states[-1]["status"] != "completed":
        raise AssertionError(states[-1])
    return time.perf_counter() - started


async def main() -> None:
    """Prints both medians and their ratio, job and bare calls in turn."""
    print(describe())
    jobs, bare = [], []
    with tempfile.TemporaryDirectory(prefix="tidemark-bench-") as folder:
        async with (
            platform() as running,
            signed_in(running) as client,
            Children(preload=("streams.media.audio",), spares=1) as media,
            Children(preload=("streams.media.render",), spares=1, niceness=10) as picture,
            Children(preload=("providers.speech.moonshine:engine",), spares=1) as speech,
        ):
            for children in (media, picture, speech):
                await children.warm()
            calls = Calls(media, picture, speech, Path(folder))
            await whole_job(client)
            await calls.all()
            for _ in range(_ROUNDS):
                jobs.append(await whole_job(client))
                bare.append(await calls.all())
    job, alone = statistics.median(jobs), statistics.median(bare)
    print(f"whole job              median {job:.2f} s  (of {[round(value, 2) for value in jobs]})")
    print(f"its calls, bare        median {alone:.2f} s  (of {[round(value, 2) for value in bare]})")
    print("                       last: " + ", ".join(f"{name} {took:.2f} s" for name, took in calls.seconds.items()))
    print(f"ratio job / calls      {job / alone:.2f}  (goal at most 1.15)")


if __name__ == "__main__":
    asyncio.run(main())
