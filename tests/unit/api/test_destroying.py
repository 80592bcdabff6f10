"""A hold that is put on a folder while it is taken apart holds what is still there, and is not lost with the folder."""

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from api import keys
from api.destroying import take_out
from api.handlers.retention import hold_course
from schemas.folders import Folder, FolderKind
from schemas.holds import Hold
from schemas.problems import Problem
from schemas.recordings import Recording
from schemas.retention import HoldWish
from stores.folders import Folders
from stores.jobs import Jobs
from stores.recordings import Recordings
from tests.unit.stores.jobs import START, a_recording
from tests.unit.stores.memory import MemoryDatabase

HOLD = Hold(reason="Case 1", by="root", at=START)


class Vanishing(Folders):
    """Folders of which one is deleted just before it is written to, where that is wanted."""

    vanishes = False

    async def update(self, owner_id: str, folder_id: str, fields: dict[str, Any]) -> Folder | None:
        if self.vanishes:
            self.vanishes = False
            await self.delete(owner_id, folder_id)
        return await super().update(owner_id, folder_id, fields)


class Held(Recordings):
    """Recordings whose folder is put on hold as soon as one of them is taken out."""

    folders: Folders

    async def update_owned(self, owner_id: str, recording_id: str, fields: dict[str, Any]) -> Recording | None:
        await self.folders.update(owner_id, "biology", {"hold": HOLD.model_dump()})
        return await super().update_owned(owner_id, recording_id, fields)


@pytest.fixture
async def app() -> web.Application:
    app, database = web.Application(), MemoryDatabase()
    recordings = Held(database)
    app[keys.FOLDERS] = recordings.folders = Vanishing(database)
    app[keys.JOBS], app[keys.RECORDINGS] = Jobs(database), recordings
    course = {"owner_id": "ada", "folder_id": "biology", "kind": FolderKind.COURSE, "title": "Biology"}
    await app[keys.FOLDERS].create(
        Folder(id=Folder.key("ada", "biology"), created_at=START, updated_at=START, **course)
    )
    return app


async def held(app: web.Application) -> Hold:
    place = {"owner_id": "ada", "course_id": "biology"}
    request = make_mocked_request("PUT", "/", match_info=place, app=app)
    request[keys.CALLER] = "root"
    return (await hold_course(request, HoldWish(reason="Case 1"))).hold


def vanishing(app: web.Application) -> None:
    folders = app[keys.FOLDERS]
    assert isinstance(folders, Vanishing)
    folders.vanishes = True


async def test_what_is_in_a_folder_that_is_put_on_hold_stays(app: web.Application) -> None:
    for _ in range(10):
        await app[keys.RECORDINGS].create(a_recording(project_id="biology"))
    with pytest.raises(Problem) as caught:
        await take_out(app, "ada", "biology")
    assert caught.value.entry.code == "on_hold"
    assert len(await app[keys.RECORDINGS].lists.stored_in("ada", "biology", before="~", limit=20)) == 2


async def test_a_folder_that_goes_while_it_is_put_on_hold_is_written_again(app: web.Application) -> None:
    await app[keys.RECORDINGS].create(a_recording(project_id="biology"))
    vanishing(app)
    hold = await held(app)
    folder = await app[keys.FOLDERS].get("ada", "biology")
    assert folder is not None
    assert folder.hold is not None
    assert folder.hold.reason == hold.reason


async def test_nothing_is_said_to_be_on_hold_that_has_gone(app: web.Application) -> None:
    vanishing(app)
    with pytest.raises(Problem) as caught:
        await held(app)
    assert caught.value.entry.code == "not_found"
