"""A media function over a recording's original, in a child: the one way in which stages read what a client sent."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeVar

from schemas.failures import Permanent, Retryable
from stores import keys
from streams.context import Context
from streams.media.messages import Progress

M = TypeVar("M")

_GB = 1024**3


async def over_original(ctx: Context, entry: Callable[..., Iterator[M]], *args: Any) -> AsyncIterator[M]:
    """Yields what `entry(url, *args, decoded_bytes)` yields: the object's address before, the limit of it after.

    Whatever says something of the bytes is only passed on while those that were accepted are still there: whoever has
    the presigned address can put others in their place. Raises Permanent (source_changed) then; what `entry` raises;
    but where the original cannot be read because the object store is away, StoreUnavailable, which costs the step no
    attempt, and where it is not there at all, Permanent (source_missing).
    """
    key, accepted = keys.original(ctx.recording_id), (await ctx.recording()).etag
    try:
        limit = ctx.settings.media_decoded_gb * _GB
        async for message in ctx.run_child(entry, ctx.objects.internal_url(key), *args, limit):
            if accepted is not None and not isinstance(message, Progress):
                await _expect_there(ctx, key, accepted)
            yield message
    except Retryable as failure:
        if failure.code == "source_unreadable":
            await _expect_there(ctx, key, accepted)
        raise


async def _expect_there(ctx: Context, key: str, accepted: str | None) -> None:
    """Raises Permanent unless the original is there, and is what was accepted where that is known."""
    stat = await ctx.objects.stat(key)
    if stat is None:
        raise Permanent("source_missing", "What was uploaded is no longer in the object store.")
    if accepted not in (None, stat.etag):
        raise Permanent("source_changed", "What was uploaded has been replaced since it was accepted.")
