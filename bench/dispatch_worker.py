"""A worker whose three stages do nothing: what is left is the cost of claiming, ending, recording and telling.

`python -m bench.dispatch_worker`, with a worker's environment; bench.dispatch starts two of them.
"""

import uvloop

from deploy.logs import configure_logging
from schemas.events import AudioExtracted, Event, RecordingAnalysed, RecordingTranscribed, RecordingUploaded
from schemas.settings import load_settings
from schemas.topics import Topic
from streams.context import Context
from streams.main import serve
from streams.stage import Outcome, Stage


async def first(ctx: Context, _: Event) -> Outcome:
    """Nothing, and its fact."""
    event = AudioExtracted(
        **ctx.about("audio.extracted"),
        duration_seconds=0,
        has_audio=False,
        has_video=False,
        parts_prefix="none",
        parts=0,
        sample_rate=16_000,
    )
    return Outcome({"audio": "done"}, event)


async def second(ctx: Context, _: Event) -> Outcome:
    """Nothing, and its fact."""
    event = RecordingTranscribed(
        **ctx.about("recording.transcribed"), provider="none", segments=0, words=0, duration_seconds=0
    )
    return Outcome({"transcript": "done"}, event)


async def third(ctx: Context, _: Event) -> Outcome:
    """Nothing, and its fact."""
    event = RecordingAnalysed(
        **ctx.about("recording.analysed"), provider="none", kinds=(), action_items=0, key_points=0, sentiment="neutral"
    )
    return Outcome({"analyses": "done"}, event)


def _limit(_: object) -> float:
    return 60.0


STAGES = (
    Stage("audio", Topic.UPLOADS, (RecordingUploaded,), first, limit=_limit),
    Stage("transcribe", Topic.AUDIO, (AudioExtracted,), second, limit=_limit),
    Stage("analyse", Topic.TRANSCRIPTS, (RecordingTranscribed,), third, limit=_limit),
)

if __name__ == "__main__":
    settings = load_settings()
    configure_logging(settings)
    uvloop.run(serve(settings, STAGES))
