"""How a lecture is taken in and let go: found by what names it, linked to who asks, downloaded once for all of them.

The recording is written first, then the pointer to it (stores/lectures), then its job: what a death leaves between them
is found by the next call for the same lecture, or expires as an upload that never came.
"""

from aiohttp import web

from api.announcing import announced, expect_account
from api.intake import settle
from api.keys import ADMISSION, DELETION, JOBS, LECTURES, RECORDINGS, SETTINGS
from api.problems import wrong_field
from providers.sources.guard import checked
from schemas.failures import Permanent
from schemas.jobs import Job, Status
from schemas.lectures import LectureRequest
from schemas.problems import Problem
from schemas.recordings import Lecture, Link, Recording, RecordingStatus, Source
from schemas.time import now
from stores import intake, lifecycle
from stores.errors import LeaseLost
from stores.intake import RecordingGone
from stores.lectures import OWNER, key_of
from stores.letting_go import LettingGo

_TRIES = 5


async def take_in(app: web.Application, caller: str, asked: LectureRequest) -> Recording:
    """The lecture, linked to the caller and on its way. A repeat finds the same one; one that failed goes on anew.

    Raises Problem queue_full, and invalid_field for an address that nothing is downloaded from.
    """
    _expect_allowed(app, asked.stream_url)
    key, lectures = key_of(asked.course_id, asked.session_id, asked.stream_url), app[LECTURES]
    for _ in range(_TRIES):
        known = await lectures.known(key)
        recording = await lectures.link(known, caller) if known else None
        if recording is None:
            await app[ADMISSION].expect_room(caller)
            recording = await _begun(app, caller, asked, key, known)
        try:
            if recording is not None:
                await expect_account(app, caller)
                return await _set_going(app, caller, recording, asked.stream_url)
        except RecordingGone:  # its last reader let go of it meanwhile: it is taken in anew
            continue
    raise Problem("unavailable", "The lecture is being taken in and let go at the same time; try again.", retry_after=1)


def _expect_allowed(app: web.Application, url: str) -> None:
    """Tells at once what the download would be refused for later; where the name leads is looked at only then."""
    try:
        checked(url, app[SETTINGS].download_allowed)
    except Permanent as refusal:
        raise wrong_field("stream_url", refusal.detail) from refusal


async def _begun(
    app: web.Application, caller: str, asked: LectureRequest, key: str, known: str | None
) -> Recording | None:
    """A new recording for the lecture; None where somebody else was faster, and then nothing is left of it."""
    recording = _recording(caller, asked, key)
    await app[RECORDINGS].create(recording)
    if await app[LECTURES].point(key, recording.id, known):
        return recording
    await app[RECORDINGS].delete_owned(OWNER, recording.id)
    return None


def _recording(caller: str, asked: LectureRequest, key: str) -> Recording:
    lecture = Lecture(key=key, course_id=asked.course_id, session_id=asked.session_id, url=asked.stream_url)
    return announced(
        OWNER,
        Source.LECTURE,
        f"lecture-{asked.session_id}",
        title=asked.title or f"Lecture {asked.session_id}",
        project_id=asked.course_id,
        lecture=lecture,
        links=[Link(user_id=caller, at=now())],
    )


async def _set_going(app: web.Application, caller: str, recording: Recording, url: str) -> Recording:
    """Sees to it that there is a job, and that one which failed is tried again; as the work of who asks.

    Raises RecordingGone.
    """
    if recording.status is RecordingStatus.FAILED and not (recording.to_be_downloaded or recording.original_there):
        recording = await app[LECTURES].renew(recording, url) or await _there(app, recording.id)
    job = await app[JOBS].get(recording.job_id)
    if job is None:
        async with app[ADMISSION].place(caller):
            job = await _started(app, caller, recording)
    elif job.status in (Status.FAILED, Status.CANCELLED):
        async with app[ADMISSION].place(caller):
            job = await _again(app, caller, recording, job, url)
    await settle(app, job)
    return await _there(app, recording.id)


async def _started(app: web.Application, caller: str, recording: Recording) -> Job:
    job, _ = await intake.accept(app[JOBS], app[RECORDINGS], recording, app[SETTINGS].step_attempts, asked_by=caller)
    return job


async def _again(app: web.Application, caller: str, recording: Recording, job: Job, url: str) -> Job:
    """The job, set going again at the steps without a result; from the address that was named now."""
    if recording.to_be_downloaded:
        await app[LECTURES].renew(recording, url)

    def transition(job: Job) -> None:
        job.owner_id = caller
        lifecycle.retry(job, now())

    try:
        job, _ = await app[JOBS].change(job.id, transition, known=job)
    except lifecycle.Refused:  # somebody else was faster
        return job
    except LeaseLost as error:
        raise RecordingGone(recording.id) from error
    return job


async def _there(app: web.Application, recording_id: str) -> Recording:
    recording = await app[LECTURES].get(recording_id)
    if recording is None:
        raise RecordingGone(recording_id)
    return recording


async def let_go(app: web.Application, caller: str, recording_id: str, *, admin: bool = False) -> None:
    """Takes the caller's link away; the last one, or an administrator, takes the lecture along.

    What broke off can be repeated. Raises Problem not_found where the caller has no link; OnHold.
    """
    recording = await app[LECTURES].stored(recording_id)
    if recording is None or recording.lecture is None or not (admin or recording.linked(caller)):
        raise Problem("not_found", "There is no such lecture.")
    letting_go = LettingGo(app[LECTURES], app[DELETION])
    await (letting_go.destroy(recording) if admin else letting_go.let_go(recording, caller))
