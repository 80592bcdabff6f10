"""The one place that says whose a thing is: what the path names, as far as it is there for the caller.

What is somebody else's, what lies in another project than the path says, and what is not there at all are one answer,
Problem not_found. Lists, counts and changes are scoped by the stores, whose methods take the caller's id.
"""

from collections.abc import Sequence

from aiohttp import web

from api.access import is_admin
from api.keys import ASSEMBLY, CALLER, JOBS, LECTURES, RECORDINGS
from schemas.jobs import Job
from schemas.pipeline import JobType
from schemas.problems import Problem
from schemas.recordings import Recording, RecordingKind
from stores.resumable import Arrival


async def owned(request: web.Request) -> Recording:
    """The caller's recording."""
    return _own_recording(request, await request.app[RECORDINGS].get(_recording_id(request)))


async def owned_until_the_end(request: web.Request) -> Recording:
    """As `owned`; one too whose deletion has not come to its end, so that it can be asked for again."""
    return _own_recording(request, await request.app[RECORDINGS].stored(_recording_id(request)))


async def readable(request: web.Request) -> Recording:
    """As `owned`, and the lectures too that the caller is linked to: those he may read, and nothing else."""
    recording = await request.app[RECORDINGS].get(_recording_id(request))
    return _recording_here(request, recording if recording and recording.readable_by(request[CALLER]) else None)


async def linked(request: web.Request) -> Recording:
    """The lecture, if the caller is linked to it."""
    recording = await request.app[LECTURES].get(request.match_info["id"])
    if recording is None or recording.lecture is None or not recording.linked(request[CALLER]):
        raise Problem("not_found", "There is no such lecture.")
    return recording


async def owned_upload(request: web.Request, *, known: bool = False) -> Arrival | None:
    """How far the caller's resumable upload has come; None where it has ended. `known`: as last seen."""
    arrivals, upload_id = request.app[ASSEMBLY].arrivals, request.match_info["id"]
    upload = await (arrivals.known(upload_id) if known else arrivals.get(upload_id))
    if upload is not None and upload.owner_id != request[CALLER]:
        raise Problem("not_found", "There is no such upload.")
    return upload


async def owned_document(request: web.Request) -> Recording:
    """The caller's document."""
    return _document(await request.app[RECORDINGS].get_owned(request[CALLER], request.match_info["id"]))


async def document_to_delete(request: web.Request) -> Recording:
    """The document, for its owner and for administrators; also while its deletion has not come to its end."""
    document = await request.app[RECORDINGS].stored(request.match_info["id"])
    own = document is not None and document.owner_id == request[CALLER]
    return _document(document if own or is_admin(request) else None)


async def owned_job(request: web.Request) -> Job:
    """The caller's job. One that takes in a lecture is the work of all who are linked to it, so nobody's to stop."""
    job = await request.app[JOBS].get_owned(request[CALLER], request.match_info["id"])
    return _job_here(request, job if job and job.job_type is not JobType.LECTURE else None)


async def readable_job(request: web.Request) -> Job:
    """The caller's job, or one that takes in a lecture which the caller is linked to."""
    job, lecture = await request.app[JOBS].get(request.match_info["id"]), None
    if job is not None and job.job_type is JobType.LECTURE:
        lecture = await request.app[RECORDINGS].get(job.recording_id)
    return _job_here(request, job if job and _may_read(request, job, lecture) else None)


async def readable_jobs(request: web.Request, job_ids: Sequence[str]) -> dict[str, Job]:
    """Those of the jobs that `readable_job` would find, by id."""
    found = await request.app[JOBS].get_many(job_ids)
    shared = [job.recording_id for job in found if job.job_type is JobType.LECTURE]
    lectures, _ = await request.app[RECORDINGS].many(shared) if shared else ({}, [])
    return {job.id: job for job in found if _may_read(request, job, lectures.get(job.recording_id))}


def _may_read(request: web.Request, job: Job, lecture: Recording | None) -> bool:
    if job.job_type is not JobType.LECTURE:
        return job.owner_id == request[CALLER]
    return lecture is not None and lecture.linked(request[CALLER])


def _recording_id(request: web.Request) -> str:
    return request.match_info.get("asset_id") or request.match_info["id"]


def _own_recording(request: web.Request, recording: Recording | None) -> Recording:
    own = recording is not None and recording.owner_id == request[CALLER]
    return _recording_here(request, recording if own else None)


def _recording_here(request: web.Request, recording: Recording | None) -> Recording:
    if recording is None or recording.kind is not RecordingKind.RECORDING:
        raise Problem("not_found", "There is no such recording.")
    if request.match_info.get("project_id", recording.project_id) != recording.project_id:
        raise Problem("not_found", "There is no such recording in this project.")
    return recording


def _document(document: Recording | None) -> Recording:
    if document is None or document.kind is not RecordingKind.DOCUMENT:
        raise Problem("not_found", "There is no such document.")
    return document


def _job_here(request: web.Request, job: Job | None) -> Job:
    if job is None or request.match_info.get("project_id", job.project_id) != job.project_id:
        raise Problem("not_found", "There is no such job.")
    return job
