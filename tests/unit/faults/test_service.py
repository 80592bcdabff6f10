"""An API that dies between any two lines: what it has answered ends well; what it has not, ends well or never began."""

import pytest

from api.handlers import jobs, projects, uploads
from schemas.jobs import Status
from schemas.pipeline import JobType
from schemas.recordings import RecordingStatus
from schemas.requests import JobPayload, JobRequest, UploadComplete, UploadRequest
from tests.unit.faults.ground import Ground
from tests.unit.faults.service import Call, Service, answered
from tests.work import jobs_of

WEBM = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm" + bytes(100)


async def presigned(service: Service) -> str:
    """A client asks for an address, puts its bytes there and says so; the recording's id when that was answered."""
    announced = UploadRequest(filename="standup.webm", file_size=len(WEBM))
    address = await uploads.request_upload(service.request(), announced)
    service.ground.objects[address.s3_key] = WEBM
    said = UploadComplete(s3_key=address.s3_key)
    return (await uploads.upload_complete(service.request(id=address.id), said)).id


async def as_a_form(service: Service) -> str:
    """A client sends the file itself."""
    return (await projects.upload_video(service.form("standup.webm", WEBM, project_id="website"))).id


async def died_at(ground_of, before, call: Call):
    """For each point at which the API can die during the call: the ground, what `before` left on it, the answer."""
    ground = ground_of()
    left = await before(ground)
    answer, life = await answered(ground, lambda service: call(service, *left))
    assert answer is not None
    assert life.points > 6
    for point in range(life.points):
        ground = ground_of()
        left = await before(ground)
        answer, mortal = await answered(ground, lambda service, left=left: call(service, *left), point)
        assert mortal.dead
        try:
            yield ground, left, answer
        except BaseException as error:
            error.add_note(f"The API died at point {point}: {mortal.effects}")
            raise


async def nothing(ground: Ground) -> tuple[()]:
    return ()


async def the_recording(ground: Ground):
    """The one that there is, in whatever state."""
    found = [document async for document in ground.database["recordings"].find({})]
    assert len(found) <= 1
    return await ground.recordings.stored(found[0]["_id"]) if found else None


@pytest.fixture(params=[presigned, as_a_form])
async def door(request, ground_of):
    """A way in, and what there is in the end when nothing happens."""
    ground = ground_of()
    recording_id, _ = await answered(ground, request.param)
    await ground.work()
    left = await ground.left(recording_id)
    assert (left["recording"]["status"], len(left["facts"])) == ("completed", 6)
    return request.param, left


async def test_an_upload_is_taken_in_or_it_is_not(ground_of, door):
    call, whole = door
    taken_in = 0
    async for ground, _, answer in died_at(ground_of, nothing, call):
        await ground.work()
        await ground.nothing_is_owed()
        recording = await the_recording(ground)
        if recording is None or recording.status is RecordingStatus.AWAITING_UPLOAD:
            assert answer is None
            assert recording is None or await ground.jobs.get(recording.job_id) is None
            assert ground.log.facts == []
            continue
        taken_in += 1
        assert await ground.left(recording.id) == whole
    assert taken_in > 6


@pytest.mark.parametrize("door", [presigned], indirect=True)
async def test_a_client_that_says_it_again_has_one_job(ground_of, door):
    """What was not answered is asked again, of another process: the upload is taken in, once."""
    call, whole = door
    async for ground, _, _ in died_at(ground_of, nothing, call):
        recording = await the_recording(ground)
        if recording is None or recording.object_key not in ground.objects:
            continue
        said = UploadComplete(s3_key=recording.object_key)

        async def again(service: Service, recording=recording, said=said):
            return await uploads.upload_complete(service.request(id=recording.id), said)

        answer, _ = await answered(ground, again)
        assert answer.job_id == recording.job_id
        await ground.work()
        await ground.nothing_is_owed()
        assert await ground.left(recording.id) == whole


async def a_whole_recording(ground: Ground) -> tuple[str]:
    recording_id, _ = await answered(ground, presigned)
    await ground.work()
    return (recording_id,)


async def ask_for_a_video(service: Service, recording_id: str) -> bytes:
    asked = JobRequest(job_type=JobType.RENDER, payload=JobPayload(recording_id=recording_id))
    return (await jobs.create(service.request(), asked)).body


async def test_work_that_is_asked_for_is_done_or_was_never_there(ground_of):
    made = 0
    async for ground, (recording_id,), answer in died_at(ground_of, a_whole_recording, ask_for_a_video):
        await ground.work()
        await ground.nothing_is_owed()
        asked_for = [job for job in await jobs_of(ground.jobs, recording_id) if job.job_type is JobType.RENDER]
        assert [job.status for job in asked_for] == [Status.COMPLETED] * len(asked_for)
        assert len(asked_for) <= 1
        assert asked_for or answer is None
        made += len(asked_for)
        assert (await ground.recordings.get(recording_id)).status is RecordingStatus.COMPLETED
    assert made > 4


async def without_words(ground: Ground) -> tuple[str]:
    """A recording whose transcription failed, though it would succeed now."""
    ground.broken = {"transcribe"}
    (recording_id,) = await a_whole_recording(ground)
    ground.broken = set()
    assert (await ground.recordings.get(recording_id)).status is RecordingStatus.FAILED
    return (recording_id,)


async def try_again(service: Service, recording_id: str) -> bytes:
    job = await service.ground.job_of(recording_id)
    return (await jobs.retry(service.request(id=job.id))).body


async def test_a_job_is_set_going_again_or_stays_failed(ground_of):
    gone_on = 0
    async for ground, (recording_id,), answer in died_at(ground_of, without_words, try_again):
        await ground.work()
        await ground.nothing_is_owed()
        job, recording = await ground.job_of(recording_id), await ground.recordings.get(recording_id)
        kept = [job.step(name) for name in ("audio", "render")]
        assert [(step.status, step.fence) for step in kept] == [(Status.COMPLETED, 1)] * 2, "what is done is kept"
        if job.status is Status.FAILED:
            assert (answer, recording.status) == (None, RecordingStatus.FAILED)
            continue
        gone_on += 1
        assert (job.status, recording.status, recording.error) == (Status.COMPLETED, RecordingStatus.COMPLETED, None)
    assert gone_on > 4


async def an_accepted_upload(ground: Ground) -> tuple[str]:
    recording_id, _ = await answered(ground, presigned)
    return (recording_id,)


async def cancel(service: Service, recording_id: str) -> object:
    job = await service.ground.job_of(recording_id)
    return await jobs.cancel(service.request(id=job.id))


async def test_a_job_is_cancelled_or_goes_on(ground_of):
    ends = set()
    async for ground, (recording_id,), answer in died_at(ground_of, an_accepted_upload, cancel):
        await ground.work()
        await ground.nothing_is_owed()
        job, recording = await ground.job_of(recording_id), await ground.recordings.get(recording_id)
        ends.add(job.status)
        assert recording.status == ("failed" if job.status is Status.CANCELLED else "completed")
        assert job.status is Status.CANCELLED or (job.status is Status.COMPLETED and answer is None)
    assert ends == {Status.CANCELLED, Status.COMPLETED}
