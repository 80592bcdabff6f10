"""A worker process of the product, hosting one stage that does what the test says.

Run as `python -m tests.integration.streams.worker FOLDER`. The stage stands in the place of `audio`: it notes in
FOLDER/notes what it does, and goes on when the test makes FOLDER/go.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

from schemas.events import AudioExtracted, RecordingUploaded
from schemas.settings import load_settings
from schemas.topics import Topic
from streams import main
from streams.context import Context
from streams.stage import Outcome, Stage
from streams.stages import STAGES


def note(folder: Path, what: str, ctx: Context) -> None:
    line = json.dumps({"what": what, "pid": os.getpid(), "job": ctx.job_id})
    with (folder / "notes").open("a") as file:
        file.write(line + "\n")


def stage_in(folder: Path) -> Stage:
    async def perform(ctx: Context, _: RecordingUploaded) -> Outcome:
        note(folder, "started", ctx)
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


if __name__ == "__main__":
    STAGES.clear()
    STAGES["audio"] = stage_in(Path(sys.argv[1]))
    main.run(load_settings())
