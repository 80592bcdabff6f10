"""A form's file on its way into the object store, as it arrives: never whole in memory or on disk.

Its document is stored first, then the bytes: so bytes never lie there unknown. On any error neither is left.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import structlog
from aiohttp import web

from api.announcing import announced, write_down
from api.forms import Incoming
from api.intake import expect_size
from api.keys import METRICS, OBJECTS, RECORDINGS, SETTINGS
from schemas.problems import Problem
from schemas.recordings import Recording, Source
from schemas.requests import bare_filename
from stores.errors import StoreUnavailable
from stores.signatures import Kind

log = structlog.get_logger(__name__)

_AROUND_BYTES = 1024 * 1024
"""What a form may have around its file."""
_SIGN_SECONDS = 15.0
"""How often a form that is being received is marked as alive."""


def expect_length(request: web.Request) -> None:
    """Raises Problem too_large for a form whose file can only be larger than is accepted."""
    expect_size((request.content_length or 0) - _AROUND_BYTES, request.app[SETTINGS])


def announced_form(owner_id: str, filename: str, kind: Kind) -> Recording:
    """The recording of a form whose file is called so and of that kind; its size is told once it is there."""
    name = bare_filename(filename) or f"recording.{kind.ending}"
    return announced(owner_id, Source.MULTIPART, name, content_type=kind.content_type)


@asynccontextmanager
async def kept_whole(app: web.Application, recording: Recording) -> AsyncIterator[None]:
    """Around the receiving of a new recording's bytes."""
    await write_down(app, recording)
    try:
        yield
    except BaseException as error:
        await asyncio.shield(forget(app, recording, error))
        raise


async def receive(
    app: web.Application, file: Incoming, recording: Recording, watch: Callable[[bytes], object] | None = None
) -> None:
    """Stores the file's bytes as the recording's original; `watch` sees each piece."""
    assert recording.content_type is not None
    async with app[OBJECTS].upload(recording.object_key, recording.content_type) as upload:
        signed = time.monotonic()
        async for chunk in file.chunks():
            app[METRICS].upload_bytes.inc(len(chunk))
            if watch is not None:
                watch(chunk)
            await upload.write(chunk)
            if time.monotonic() - signed > _SIGN_SECONDS:
                await _sign_of_life(app, recording)
                signed = time.monotonic()


async def noted(app: web.Application, recording: Recording, fields: dict[str, Any]) -> Recording:
    """The recording with what is known of it now. Raises Problem not_found once it is deleted."""
    stored = await app[RECORDINGS].update_owned(recording.owner_id, recording.id, fields)
    if stored is None:
        raise _deleted()
    return stored


async def _sign_of_life(app: web.Application, recording: Recording) -> None:
    """Says in the document that bytes still come, however slowly: see stores/reconciler. Problem once it is deleted."""
    with contextlib.suppress(StoreUnavailable):
        await noted(app, recording, {})


def _deleted() -> Problem:
    return Problem("not_found", "The recording was deleted meanwhile.")


async def forget(app: web.Application, recording: Recording, why: BaseException | None = None) -> None:
    """Removes what is there of it. A store that is away is not asked again: whoever waits has waited enough.

    An upload that broke off shows nothing; should its end have been taken after all, the reconciler finds the object.
    """
    try:
        if not (isinstance(why, StoreUnavailable) and why.store == "object store"):
            await app[OBJECTS].delete(recording.object_key)
        await app[RECORDINGS].delete_owned(recording.owner_id, recording.id)
    except StoreUnavailable as error:
        log.warning("an upload's remains could not be removed", recording_id=recording.id, reason=str(error))
