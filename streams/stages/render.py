"""render: the picture of an upload, beside everything else.

Consumes RecordingUploaded from uploads; puts out MediaRendered. Key: recording. Makes an MP4 that plays everywhere
(streams are copied where their codecs allow it), a poster, thumbnails and the changes of scene. Cost: decodes and
encodes the picture, so it is the heaviest stage; one child process.
"""

from schemas.events import Event, MediaRendered, RecordingUploaded
from schemas.media import RenditionKind, Thumbnail
from schemas.topics import Topic
from stores import keys
from streams.context import Context
from streams.media.limits import MAX_PICTURE_BYTES
from streams.media.made import checked, contents
from streams.media.messages import Picture, RenderDone
from streams.media.render import render
from streams.original import output_bytes, result_over_original
from streams.stage import Outcome, Stage


async def perform(ctx: Context, _: Event) -> Outcome:
    """Renders the upload and stores what came out; without a picture it says so and stores nothing."""
    return await _finish(ctx, await result_over_original(ctx, RenderDone, render, ctx.workdir))


async def _finish(ctx: Context, done: RenderDone) -> Outcome:
    key, size, copied = None, None, False
    if done.video is not None:
        film = checked(done.video.path, ctx.workdir, output_bytes(ctx.settings))
        video = await ctx.store_rendition(RenditionKind.VIDEO, film, "video.mp4", "video/mp4", copied=done.video.copied)
        key, size, copied = video.key, video.size_bytes, video.copied
    if done.poster is not None:
        poster = checked(done.poster.path, ctx.workdir, MAX_PICTURE_BYTES)
        await ctx.store_rendition(RenditionKind.POSTER, poster, "poster.jpg", "image/jpeg")
    thumbnails = [await _store_thumbnail(ctx, number, picture) for number, picture in enumerate(done.thumbnails)]
    await ctx.write_recording(
        {
            "has_video": done.has_video,
            "thumbnails": [thumbnail.model_dump() for thumbnail in thumbnails],
            "scenes": [scene.model_dump() for scene in done.scenes],
        }
    )
    event = MediaRendered(
        **ctx.about("media.rendered"),
        duration_seconds=round(done.duration_seconds, 3),
        has_video=done.has_video,
        copied=copied,
        width=done.width or None,
        height=done.height or None,
        mp4_key=key,
        mp4_bytes=size,
        thumbnails=len(thumbnails),
        scenes=len(done.scenes),
    )
    shown = event.model_dump(include={"has_video", "copied", "width", "height", "mp4_bytes", "thumbnails", "scenes"})
    return Outcome({"render": shown}, event)


async def _store_thumbnail(ctx: Context, number: int, picture: Picture) -> Thumbnail:
    key = keys.thumbnail(ctx.recording_id, number)
    await ctx.objects.put(key, contents(picture.path, ctx.workdir, MAX_PICTURE_BYTES), "image/jpeg")
    return Thumbnail(at=picture.at, key=key, width=picture.width, height=picture.height)


STAGE = Stage(
    name="render",
    consumes=Topic.UPLOADS,
    accepts=(RecordingUploaded,),
    perform=perform,
    limit=lambda settings: settings.media_step_seconds,
    preload=lambda _: ("streams.media.render",),
    in_children=True,
    niceness=10,  # the words come before the picture
)
