"""Everything that a course or project holds, destroyed or taken out of it; what broke off can be repeated."""

import asyncio
from typing import NamedTuple

from aiohttp import web

from api.filing import refile
from api.keys import DELETION, FOLDERS, RECORDINGS
from schemas.ids import new_id
from schemas.problems import Problem
from schemas.recordings import Recording

_AT_ONCE = 8


class Freed(NamedTuple):
    """How many recordings went, and about how many bytes."""

    recordings: int
    total_bytes: int


async def _expect_free(app: web.Application, owner_id: str, folder_id: str) -> None:
    folder = await app[FOLDERS].get(owner_id, folder_id)
    if folder and folder.hold:
        raise Problem("on_hold", f"It is on hold: {folder.hold.reason}")


async def expect_none_on_hold(app: web.Application, owner_id: str, folder_id: str) -> None:
    """Raises Problem on_hold when the folder, or something in it, is on hold: then nothing of it goes."""
    await _expect_free(app, owner_id, folder_id)
    if held := await app[RECORDINGS].lists.held_in(owner_id, folder_id):
        raise Problem("on_hold", f"Something in it is on hold, such as the recording {held}.")


async def destroy_contents(app: web.Application, owner_id: str, folder_id: str) -> Freed:
    """Destroys every recording that is in the folder at this moment.

    Raises OnHold, or Problem on_hold, for what is put on hold meanwhile.
    """
    before, recordings, size = new_id(), 0, 0
    while page := await app[RECORDINGS].lists.stored_in(owner_id, folder_id, before=before, limit=_AT_ONCE):
        await _expect_free(app, owner_id, folder_id)
        await _destroy(app, page)
        before = page[-1].id
        recordings, size = recordings + len(page), size + sum(map(_bytes, page))
    return Freed(recordings, size)


async def _destroy(app: web.Application, page: list[Recording]) -> None:
    """Destroys them side by side. Raises the first error when all have come to an end."""
    ends = await asyncio.gather(*map(app[DELETION].destroy, page), return_exceptions=True)
    for error in ends:
        if error is not None:
            raise error


def _bytes(recording: Recording) -> int:
    original = recording.size_bytes if recording.original_there else 0
    return original + sum(rendition.size_bytes for rendition in recording.renditions)


async def take_out(app: web.Application, owner_id: str, folder_id: str) -> int:
    """Takes every recording that is in the folder at this moment out of it; how many.

    Raises Problem on_hold where the folder is put on hold meanwhile: what is still in it stays.
    """
    before, kept = new_id(), 0
    while page := await app[RECORDINGS].lists.stored_in(owner_id, folder_id, before=before, limit=_AT_ONCE):
        await _expect_free(app, owner_id, folder_id)
        moved = await asyncio.gather(
            *(refile(app, recording, {"project_id": None, "section_id": None}) for recording in page)
        )
        before, kept = page[-1].id, kept + sum(found is not None for found in moved)
    return kept
