"""A function over a recording's original, in a child: the one way in which stages read what a client sent."""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, TypeVar

from providers.child_limits import too_much_output, within_output
from schemas.failures import Permanent, Retryable
from schemas.settings import Settings
from stores import keys
from stores.objects import ObjectMissing
from streams.context import Context
from streams.disk import room
from streams.media.made import folder_bytes
from streams.media.messages import Progress

M = TypeVar("M")
R = TypeVar("R")

_GB = 1024**3
_LOOK_SECONDS = 1.0
"""Between two looks at how much a child has written, while it says nothing."""


async def over_original(ctx: Context, entry: Callable[..., Iterator[M]], *args: Any) -> AsyncGenerator[M, None]:
    """Yields what `entry(url, *args, decoded_bytes)` yields: the object's address before, the limit of it after.

    Whatever says something of the bytes is only passed on while those that were accepted are still there: whoever has
    the presigned address can put others in their place. Raises Permanent (source_changed) then; Permanent
    (output_limit) where a file, or all that lies in the attempt's folder, is more than the child may write; what
    `entry` raises; but where the original cannot be read because the object store is away, StoreUnavailable, which
    costs the step no attempt, and where it is not there at all, Permanent (source_missing, or original_expired where it
    has gone by a rule of retention). To be closed
    (contextlib.aclosing): only then is the child gone for certain before the attempt's folder goes.
    """
    recording = await ctx.recording()
    if recording.original_expired_at is not None:
        raise Permanent("original_expired", "What was uploaded has gone by a rule of retention.")
    key, accepted = keys.original(ctx.recording_id), recording.etag
    most, decoded = output_bytes(ctx.settings), ctx.settings.media_decoded_gb * _GB
    messages = ctx.run_child(within_output, most, entry, ctx.objects.internal_url(key), *args, decoded)
    try:
        async with aclosing(messages):
            while (message := await _next(messages, ctx.workdir, most)) is not None:
                if accepted is not None and not isinstance(message, Progress):
                    await expect_accepted(ctx, key, accepted)
                yield message
    except Retryable as failure:
        if failure.code == "source_unreadable":
            await expect_accepted(ctx, key, accepted)
        raise


async def result_over_original(ctx: Context, kind: type[R], entry: Callable[..., Iterator[Any]], *args: Any) -> R:
    """What `entry` comes to, a message of that kind, once its child is gone; its progress is told on the way.

    Raises as over_original does.
    """
    result: R | None = None
    async with aclosing(over_original(ctx, entry, *args)) as messages:
        async for message in messages:
            if isinstance(message, Progress):
                await ctx.progress(message.fraction)
            elif isinstance(message, kind):
                result = message
    assert result is not None, f"{entry.__name__} ended without a result"
    return result


async def copy_of_original(ctx: Context) -> Path:
    """The original as a file in the attempt's folder, for what cannot be read by ranges.

    Raises Busy and Retryable (disk_full), Permanent (source_missing, source_changed), StoreUnavailable.
    """
    recording, path = await ctx.recording(), ctx.workdir / "original"
    key = keys.original(recording.id)
    with room(ctx.workdir, recording.size_bytes, "the document"), path.open("wb") as file:
        try:
            async with ctx.objects.open(key) as opened:
                async for piece in as_accepted(ctx, opened, key, recording.size_bytes, recording.etag):
                    await asyncio.to_thread(file.write, piece)
        except ObjectMissing as error:
            raise Permanent("source_missing", "What was uploaded is no longer in the object store.") from error
    return path


async def over_copy(
    ctx: Context, copy: Path, patience: float, entry: Callable[..., Iterator[M]], *args: Any
) -> AsyncGenerator[M, None]:
    """Yields what `entry(copy, *args)` yields in a child.

    Raises Retryable (timeout) when nothing comes for `patience` seconds; Permanent (output_limit) as over_original
    does; what `entry` raises. To be closed (contextlib.aclosing).
    """
    most = output_bytes(ctx.settings) + copy.stat().st_size
    messages = ctx.run_child(within_output, most, entry, copy, *args)
    async with aclosing(messages):
        while (message := await _next(messages, ctx.workdir, most, patience)) is not None:
            yield message


async def as_accepted(
    ctx: Context, pieces: AsyncIterator[bytes], key: str, size_bytes: int, accepted: str | None
) -> AsyncIterator[bytes]:
    """The pieces of the original, never more than was accepted: asked before, so that nothing is read in vain, and
    after, since it can be replaced meanwhile. Raises as expect_accepted does, and source_changed for another size.
    """
    await expect_accepted(ctx, key, accepted)
    left = size_bytes
    async for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise source_changed()
        yield piece
    if left:
        raise source_changed()
    await expect_accepted(ctx, key, accepted)


def output_bytes(settings: Settings) -> int:
    """How much one attempt's child may write."""
    return settings.media_output_gb * _GB


async def expect_accepted(ctx: Context, key: str, accepted: str | None) -> None:
    """Raises Permanent unless the original is there, and is what was accepted where that is known."""
    stat = await ctx.objects.stat(key)
    if stat is None:
        raise Permanent("source_missing", "What was uploaded is no longer in the object store.")
    if accepted not in (None, stat.etag):
        raise source_changed()


def source_changed() -> Permanent:
    """The failure of work on an original that is no longer what was accepted."""
    return Permanent("source_changed", "What was uploaded has been replaced since it was accepted.")


async def _next(messages: AsyncGenerator[M, None], folder: Path, most: int, patience: float = math.inf) -> M | None:
    """The next message, None after the last. Raises Permanent (output_limit) when the folder holds more than `most`;
    Retryable (timeout) after `patience` seconds.

    The folder is looked at from here, since a child that was taken over would not bound itself.
    """
    coming, began = asyncio.ensure_future(anext(messages, None)), time.monotonic()
    try:
        while not coming.done():
            await asyncio.wait([coming], timeout=min(_LOOK_SECONDS, patience))
            if await asyncio.to_thread(folder_bytes, folder) > most:
                raise too_much_output(most)
            if not coming.done() and time.monotonic() - began > patience:
                raise Retryable("timeout", f"It takes longer than {patience:g} seconds.")
        return coming.result()
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
