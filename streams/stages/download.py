"""download: a lecture's bytes, from the address that somebody named into the object store.

Woken by a JobRequested that names it; puts out RecordingUploaded, which wakes what an upload wakes. Key: recording. The
address stands in the recording's document and is forgotten when the bytes are there. What breaks off is resumed within
an attempt; the next attempt starts anew, since only what is whole becomes visible in the store. Cost: the network's;
one part of an upload in memory (see stores/multipart).
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager

from providers.sources import Stream
from providers.sources.viewers import FINDING_SECONDS, can_find, find_media
from schemas.events import Event, RecordingUploaded
from schemas.failures import Permanent, StepFailure
from schemas.recordings import Recording
from schemas.topics import Topic
from stores import keys
from stores.intake import Unacceptable, media_kind
from stores.signatures import Kind
from streams.context import Context
from streams.stage import Outcome, Stage

_PAGE_BYTES = 1024
_STORE_SECONDS = 60.0
"""What the end of a download has beyond its limit, to be stored and said."""
_SOUND_ALONE = "The source has sound and picture apart: only the sound was taken."


async def perform(ctx: Context, _: Event) -> Outcome:
    """Downloads the lecture unless an earlier attempt has, and stores what it is."""
    recording = await ctx.recording()
    if not await _stored(ctx, recording):
        await _download(ctx, recording)
        recording = await ctx.recording()
    assert recording.content_type is not None
    event = RecordingUploaded(
        **ctx.about("recording.uploaded"),
        object_key=recording.object_key,
        content_type=recording.content_type,
        size_bytes=recording.size_bytes,
        source=recording.source,
    )
    return Outcome({"download": event.model_dump(include={"content_type", "size_bytes"})}, event)


async def _stored(ctx: Context, recording: Recording) -> bool:
    """Whether an attempt whose end was lost has done it all."""
    if recording.etag is None:
        return False
    stat = await ctx.objects.stat(recording.object_key)
    if stat is None or stat.etag != recording.etag:
        raise Permanent("source_missing", "What was downloaded is no longer in the object store.")
    return True


async def _download(ctx: Context, recording: Recording) -> None:
    lecture = recording.lecture
    if lecture is None or lecture.url is None:
        raise Permanent("download_failed", "There is no address that the lecture could be downloaded from.")
    kind = await _in_time(ctx, lecture.url)
    stat = await ctx.objects.stat(keys.original(ctx.recording_id))
    if stat is None:
        raise Permanent("source_missing", "What was downloaded is no longer in the object store.")
    fetched = lecture.model_copy(update={"url": None})
    await ctx.write_recording(
        {
            "filename": f"lecture-{lecture.session_id}.{kind.ending}",
            "content_type": kind.content_type,
            "size_bytes": stat.size_bytes,
            "etag": stat.etag,
            "lecture": fetched.model_dump(),
        }
    )


async def _in_time(ctx: Context, url: str) -> Kind:
    """Stores what the address leads to, and says what it is. A server that is too slow is no fault of the stage."""
    try:
        async with asyncio.timeout(ctx.settings.download_seconds):
            async with _opened(ctx, url) as stream:
                if not _is_page(stream):
                    return await _take(ctx, stream)
            async with _opened(ctx, await _behind(ctx, url)) as stream:
                return await _take(ctx, stream)
    except TimeoutError as error:
        limit = f"{ctx.settings.download_seconds:g} seconds (DOWNLOAD_SECONDS)"
        raise Permanent("download_failed", f"The download took longer than its limit of {limit}.") from error


@asynccontextmanager
async def _opened(ctx: Context, url: str) -> AsyncIterator[Stream]:
    async with AsyncExitStack() as stack:
        with _fault_of_the_source(ctx):
            stream = await stack.enter_async_context(ctx.downloads.open(url))
        yield stream


async def _chunks(ctx: Context, stream: Stream) -> AsyncIterator[bytes]:
    with _fault_of_the_source(ctx):
        async for chunk in stream.chunks():
            yield chunk


@contextmanager
def _fault_of_the_source(ctx: Context) -> Iterator[None]:
    """What nobody foresaw of one person's server fails that download, and does not count against the stage."""
    try:
        yield
    except (StepFailure, TimeoutError):
        raise
    except Exception as error:
        ctx.log.exception("unexpected error of a source")
        raise Permanent("download_failed", "The server gave an answer that nothing could be made of.") from error


def _is_page(stream: Stream) -> bool:
    return re.search(rb"<(!doctype html|html|head)\b", stream.head[:_PAGE_BYTES], re.IGNORECASE) is not None


async def _behind(ctx: Context, page: str) -> str:
    """The address of the media that the page shows, where there is something that can find it."""
    if not can_find():
        raise Permanent("download_not_media", "The address leads to a web page, not to a media file or a playlist.")
    await ctx.note("The address leads to a web page: looking for its media.")
    try:
        async with (
            asyncio.timeout(FINDING_SECONDS),
            aclosing(ctx.run_child(find_media, page, tuple(ctx.settings.download_allowed))) as found,
        ):
            return str(await anext(found))
    except TimeoutError as error:
        raise Permanent(
            "download_failed", "In the page that the address leads to, no media was found in time."
        ) from error


async def _take(ctx: Context, stream: Stream) -> Kind:
    kind = _kind(stream)
    if stream.sound_alone:
        await ctx.note(_SOUND_ALONE)
    await _store(ctx, stream, kind)
    return kind


def _kind(stream: Stream) -> Kind:
    try:
        return media_kind(stream.head)
    except Unacceptable as refusal:
        raise Permanent("download_not_media", refusal.detail) from refusal


async def _store(ctx: Context, stream: Stream, kind: Kind) -> None:
    """Stores the bytes as they come. Before they appear it is asked whether the step is still ours."""
    async with ctx.objects.upload(keys.original(ctx.recording_id), kind.content_type) as upload:
        async for chunk in _chunks(ctx, stream):
            await upload.write(chunk)
            await ctx.progress(stream.fraction)
        await ctx.progress(1, {"download": {"content_type": kind.content_type, "size_bytes": upload.size_bytes}})


STAGE = Stage(
    name="download",
    consumes=Topic.JOBS,
    accepts=(),
    perform=perform,
    limit=lambda settings: settings.download_seconds + _STORE_SECONDS,
    limited_by="DOWNLOAD_SECONDS",
)
