"""Where a recording is filed: its course or project, the section there, its tags. Its jobs go along."""

from contextlib import suppress
from typing import Any

from aiohttp import web

from api.keys import FOLDERS, JOBS, RECORDINGS
from api.problems import wrong_field
from schemas.jobs import Job
from schemas.problems import Problem
from schemas.recordings import Recording
from schemas.requests import RecordingChange
from stores.errors import LeaseLost


async def changes(app: web.Application, recording: Recording, body: RecordingChange) -> dict[str, Any]:
    """The fields that the change sets. Raises Problem invalid_field for a section that is not of its folder, on_hold
    for what would leave a folder that is on hold.
    """
    fields = body.model_dump(mode="json", exclude_unset=True)
    for name in ("title", "tags"):  # null leaves them as they are
        if fields.get(name, name) is None:
            del fields[name]
    folder_id = fields.get("project_id", recording.project_id)
    if folder_id != recording.project_id:
        await _expect_free(app, recording)
        fields.setdefault("section_id", None)
    if section_id := fields.get("section_id"):
        await _expect_section(app, recording.owner_id, folder_id, section_id)
    return fields


async def _expect_free(app: web.Application, recording: Recording) -> None:
    """A hold on a folder holds what is in it: it does not come out, since it could be deleted then."""
    folder = await app[FOLDERS].get(recording.owner_id, recording.project_id) if recording.project_id else None
    if folder and folder.hold:
        raise Problem("on_hold", f"What it is in is on hold: {folder.hold.reason}")


async def _expect_section(app: web.Application, owner_id: str, folder_id: str | None, section_id: str) -> None:
    folder = await app[FOLDERS].get(owner_id, folder_id) if folder_id else None
    if folder is None or all(section.id != section_id for section in folder.sections):
        raise wrong_field("section_id", "is not a section of the recording's course or project")


async def refile(app: web.Application, recording: Recording, fields: dict[str, Any]) -> Recording | None:
    """Sets the fields, and its jobs' project where the recording gets another; None where it is gone.

    A repeat is harmless, and brings to its end what broke off.
    """
    changed = await app[RECORDINGS].update_owned(recording.owner_id, recording.id, fields)
    if changed is not None and "project_id" in fields:
        for job in await app[JOBS].get_many(changed.every_job_id):
            if job.project_id != changed.project_id:
                await _refile_job(app, job, changed.project_id)
    return changed


async def _refile_job(app: web.Application, job: Job, project_id: str | None) -> None:
    def move(job: Job) -> None:
        job.project_id = project_id

    with suppress(LeaseLost):  # it was deleted meanwhile
        await app[JOBS].change(job.id, move, known=job)
