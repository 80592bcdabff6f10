"""Uploads that come piece by piece, whatever door they come by: announced, and told whose turn it is."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from aiohttp import web

from api.announcing import described, write_down
from api.keys import ADMISSION, ASSEMBLY, RECEPTIONS
from schemas.problems import Problem
from schemas.recordings import Recording, Source
from schemas.time import after, now
from schemas.uploads import UploadMetadata
from stores.resumable import Arrival, Gone, Held, Moved

log = structlog.get_logger(__name__)


async def announce(
    app: web.Application, owner_id: str, source: Source, metadata: UploadMetadata, *, length: int | None, said: str
) -> tuple[Arrival, Recording]:
    """Makes a recording that awaits its bytes, and what keeps count of them. `said` is the metadata as the client
    wrote it. Raises Problem queue_full, token_invalid.
    """
    await app[ADMISSION].expect_room(owner_id)
    recording = described(owner_id, source, metadata, length)
    upload = Arrival(
        id=recording.id,
        owner_id=owner_id,
        length=length,
        metadata=said,
        expires_at=after(app[RECEPTIONS].expiry_seconds),
        updated_at=recording.created_at,
    )
    async with app[ADMISSION].upload(owner_id):
        await write_down(app, recording)
        await app[ASSEMBLY].arrivals.create(upload)
    return upload, recording


@contextmanager
def told() -> Iterator[None]:
    """Tells the client why it is not its turn."""
    try:
        yield
    except Held as error:
        wait = max(1, round((error.until - now()).total_seconds()))
        raise Problem("upload_locked", "Another request is in the middle of it.", retry_after=wait) from error
    except Moved as error:
        log.info("another request was faster", reason=str(error))
        raise Problem("wrong_offset", "Another request was faster; ask how far the upload has come.") from error
    except Gone as error:
        raise Problem("not_found", "The upload was deleted meanwhile.") from error
