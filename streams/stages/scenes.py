"""scenes: the changes of scene of a recording, found anew.

Woken by a JobRequested alone: the render stage finds them on its way, this one with another threshold (the payload's
`threshold`, see schemas/options). Puts out ScenesDetected. Key: recording. Cost: decodes the picture once and encodes
nothing; one child process.
"""

from schemas.events import Event, ScenesDetected
from schemas.options import ScenesOptions, read_options
from schemas.topics import Topic
from streams.context import Context
from streams.media.messages import ScenesFound
from streams.media.scenes import find_scenes
from streams.original import result_over_original
from streams.stage import Outcome, Stage


async def perform(ctx: Context, _: Event) -> Outcome:
    """Looks through the upload and stores its scenes in the place of earlier ones."""
    threshold = read_options(ScenesOptions, ctx.payload).threshold
    found = await result_over_original(ctx, ScenesFound, find_scenes, threshold)
    return await _finish(ctx, found, threshold)


async def _finish(ctx: Context, found: ScenesFound, threshold: float) -> Outcome:
    await ctx.write_recording({"scenes": [scene.model_dump() for scene in found.scenes]})
    event = ScenesDetected(**ctx.about("scenes.detected"), scenes=len(found.scenes))
    shown = {"count": len(found.scenes), "threshold": threshold, "has_video": found.has_video}
    return Outcome({"scenes": shown}, event)


STAGE = Stage(
    name="scenes",
    consumes=Topic.JOBS,
    accepts=(),
    perform=perform,
    limit=lambda settings: settings.media_step_seconds,
    preload=lambda _: ("streams.media.scenes",),
    in_children=True,
    niceness=10,  # the words come before the picture
)
