"""The document of a new recording, as every door writes it down before any of its bytes have come.

An account may be erased while something comes in that was let in before. So its erasure is looked for once the document
is stored: an erasure that is not there yet finds the document, and one that is there goes on and finds it, too. All
else that belongs to a recording goes with its document, so nothing later has to look.
"""

from pathlib import PurePosixPath
from typing import Any

from aiohttp import web

from api.keys import ERASURES, RECORDINGS
from schemas.ids import new_id
from schemas.problems import Problem
from schemas.recordings import Recording, Source
from schemas.requests import UploadRequest
from schemas.time import now
from schemas.uploads import UploadMetadata
from stores import keys

_LONGEST_TITLE = 200


def announced(owner_id: str, source: Source, filename: str, **known: Any) -> Recording:
    """A recording that awaits its bytes, with ids of its own; `known` are its other fields, as far as they are.

    It is called like its file where no title is known. Nothing is stored yet.
    """
    recording_id, created = new_id(), now()
    fields = {
        "title": PurePosixPath(filename).stem[:_LONGEST_TITLE],
        "size_bytes": 0,
        **{name: value for name, value in known.items() if value is not None},
    }
    return Recording(
        id=recording_id,
        owner_id=owner_id,
        job_id=new_id(),
        filename=filename,
        source=source,
        object_key=keys.original(recording_id),
        created_at=created,
        updated_at=created,
        **fields,
    )


def described(owner_id: str, source: Source, told: UploadRequest | UploadMetadata, size: int | None) -> Recording:
    """The recording of an upload that its client has described; a size that is not known yet is None."""
    return announced(owner_id, source, size_bytes=size, **told.model_dump(exclude={"file_size", "part_size"}))


async def write_down(app: web.Application, recording: Recording) -> None:
    """Stores the document of a new recording. Raises Problem token_invalid, as `expect_account`."""
    await app[RECORDINGS].create(recording)
    await expect_account(app, recording.owner_id)


async def expect_account(app: web.Application, user_id: str) -> None:
    """Raises Problem token_invalid where the account is being erased, or was: then its erasure goes on.

    To be called when something new of the account is stored, which the erasure takes along.
    """
    if await app[ERASURES].resume(user_id, now()):
        raise Problem("token_invalid", "The account was erased meanwhile.")
