"""Jobs: asked for, listed, stopped and set going again, and their state."""

from aiohttp import hdrs, web

from api.binding import answer
from api.handlers.projects import project_of
from api.keys import ADMISSION, CALLER, JOBS, RECORDINGS
from api.orders import order, resume, stop
from api.ownership import owned_job, readable_job
from api.paging import page_of
from schemas.jobs import Job, JobView, item, view
from schemas.problems import FieldProblem, Problem
from schemas.recordings import Recording
from schemas.requests import JobQuery, JobRequest, ProjectJobQuery
from schemas.responses import JobAccepted, JobList
from stores.errors import answering


async def create(request: web.Request, body: JobRequest) -> web.Response:
    """Makes a job on a recording whose upload is complete, and starts it. Location says where the job is.

    Of jobs that do the same work on a recording only one runs at a time.
    """
    recording = await _recording(request, body.payload.recording_id)
    async with request.app[ADMISSION].place(request[CALLER]):
        job = await order(request.app, recording, body)
    return _accepted(job)


async def _recording(request: web.Request, recording_id: str) -> Recording:
    """The caller's recording, in the project that the path names. Raises Problem not_found."""
    recording, project_id = await request.app[RECORDINGS].get_owned(request[CALLER], recording_id), project_of(request)
    if recording is None or project_id not in (None, recording.project_id):
        wrong = FieldProblem(field="payload.recording_id", message="is not the id of a recording here")
        raise Problem("not_found", "There is no such recording.", fields=(wrong,))
    return recording


def _accepted(job: Job) -> web.Response:
    """Says that the work was accepted, and where it can be seen."""
    accepted = JobAccepted(
        id=job.id, status=job.status, job_id=job.id, job_type=job.job_type, recording_id=job.recording_id
    )
    response = answer(accepted, 202)
    response.headers[hdrs.LOCATION] = f"/api/v1/jobs/{job.id}"
    return response


async def index(request: web.Request, query: JobQuery) -> JobList:
    """The caller's jobs, newest first, a page at a time."""
    return await _page(request, query, query.project_id)


async def of_project(request: web.Request, query: ProjectJobQuery) -> JobList:
    """The caller's jobs in a project, newest first, a page at a time."""
    return await _page(request, query, project_of(request))


async def _page(request: web.Request, query: ProjectJobQuery, project_id: str | None) -> JobList:
    async with answering():
        found = await request.app[JOBS].list_owned(
            request[CALLER],
            limit=query.limit + 1,
            before=query.cursor,
            project_id=project_id,
            statuses=query.status,
        )
    page, next_cursor = page_of(found, query.limit)
    return JobList(
        items=tuple(item(job) for job in page),
        next_cursor=next_cursor,
    )


async def detail(request: web.Request) -> JobView:
    """A job's present state."""
    return view(await readable_job(request))


async def cancel(request: web.Request) -> JobView:
    """Ends the job's steps that have not ended, wherever they run; what is done stays. A repeat is harmless."""
    return view(await stop(request.app, await owned_job(request)))


async def retry(request: web.Request) -> web.Response:
    """Sets a failed or cancelled job going again, at the steps that have no result; nothing is uploaded again."""
    job = await owned_job(request)
    async with request.app[ADMISSION].place(request[CALLER]):
        job = await resume(request.app, job)
    return _accepted(job)
