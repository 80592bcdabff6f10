"""A worker process of the product, hosting stages that do what the test says.

Run as `python -m tests.integration.streams.worker FOLDER`. Its stage stands in the place of `audio`: it notes in
FOLDER/notes what it does, and goes on when the test makes FOLDER/go. If there is FOLDER/child it works in a child
process that never ends, and notes its id; if there is FOLDER/words there is a second stage, in the place of
`transcribe`, that fails for as long as there is FOLDER/mute.
"""

import asyncio
import importlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from schemas.events import AudioAvailable, AudioExtracted, Event, RecordingTranscribed, RecordingUploaded
from schemas.failures import Permanent
from schemas.settings import load_settings
from schemas.topics import Topic
from streams import main
from streams.context import Context
from streams.stage import Outcome, Stage
from streams.stages import STAGES


def note(folder: Path, what: str, ctx: Context, pid: int | None = None) -> None:
    line = json.dumps({"what": what, "pid": pid or os.getpid(), "job": ctx.job_id})
    with (folder / "notes").open("a") as file:
        file.write(line + "\n")


def work_for_ever() -> Iterator[int]:
    """In the child."""
    yield os.getpid()
    time.sleep(3600)


def audio_in(folder: Path) -> Stage:
    async def perform(ctx: Context, _: Event) -> Outcome:
        note(folder, "started", ctx)
        if (folder / "child").exists():
            async for pid in ctx.run_child(child_of_the_stage().work_for_ever):
                note(folder, "child", ctx, pid)
        while not (folder / "go").exists():  # noqa: ASYNC110 - the test is another process
            await asyncio.sleep(0.02)
        note(folder, "done", ctx)
        event = AudioExtracted(
            **ctx.about("audio.extracted"),
            duration_seconds=1,
            has_audio=True,
            has_video=False,
            parts_prefix="",
            parts=0,
            sample_rate=16_000,
        )
        return Outcome({"pid": os.getpid()}, event)

    return Stage(
        name="audio", consumes=Topic.UPLOADS, accepts=(RecordingUploaded,), perform=perform, limit=lambda _: 60
    )


def child_of_the_stage() -> ModuleType:
    """This module by its own name, as a child can import it."""
    return importlib.import_module("tests.integration.streams.worker")


def words_in(folder: Path) -> Stage:
    async def perform(ctx: Context, _: Event) -> Outcome:
        note(folder, "listened", ctx)
        if (folder / "mute").exists():
            raise Permanent("no_media", "Nothing can be heard.")
        about = ctx.about("recording.transcribed")
        return Outcome(
            {"words": 1},
            RecordingTranscribed(**about, provider="test", segments=1, words=1, duration_seconds=1),
        )

    return Stage(
        name="transcribe",
        consumes=Topic.AUDIO,
        accepts=(AudioAvailable, AudioExtracted),
        perform=perform,
        limit=lambda _: 60,
    )


if __name__ == "__main__":
    place = Path(sys.argv[1])
    STAGES.clear()
    STAGES["audio"] = audio_in(place)
    if (place / "words").exists():
        STAGES["transcribe"] = words_in(place)
    main.run(load_settings())
