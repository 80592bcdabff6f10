"""The reconciler on running stores, as an operator starts it: a real bucket, a real database, what a death leaves."""

import asyncio
import json
from datetime import timedelta

import pytest

from deploy.cli import main
from deploy.operate.reconcile import reconcile
from schemas.ids import new_id
from schemas.jobs import Status
from schemas.recordings import Recording, RecordingStatus, Source
from schemas.settings import Settings
from schemas.time import now
from stores import keys
from stores.multipart import PART_BYTES, Upload
from stores.prepare import prepare
from streams.housekeeping import deletion_of
from streams.resources import Resources, open_resources
from tests.integration.api.conftest import MEDIA
from tests.integration.api.people import put
from tests.unit.stores.jobs import a_job, a_recording

FILM = (MEDIA / "screen-vp8.webm").read_bytes()
AT_ONCE = {"abandoned_upload_minutes": 0, "media_step_seconds": 0}
"""Changes of the settings by which nothing has to get old first."""


@pytest.fixture
def settings(services, monkeypatch) -> Settings:
    """Those of the environment, which is that of the running stores, with a database and a bucket of its own."""
    name = f"t{new_id().replace('-', '')}"
    for variable, value in {**services.environment(), "MONGODB_DATABASE": name, "S3_BUCKET": name}.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr("deploy.operate.settings.configure_logging", lambda _: None)
    settings = Settings()
    asyncio.run(prepare(settings))
    return settings


async def awaiting(resources: Resources, **fields) -> Recording:
    made = now() - timedelta(days=1)
    recording = a_recording(
        **{"status": RecordingStatus.AWAITING_UPLOAD, "size_bytes": len(FILM), "content_type": None, **fields},
        created_at=made,
        updated_at=made,
    )
    await resources.recordings.create(recording)
    return recording


async def remains(settings: Settings) -> dict[str, str]:
    """Every kind of thing that a death can leave, by what the reconciler calls it: the recording's id."""
    async with open_resources(settings) as resources:
        left = {name: await awaiting(resources) for name in ("upload_stored", "upload_abandoned")}
        await resources.objects.put(left["upload_stored"].object_key, FILM, "video/webm")
        left["deletion_unfinished"] = await awaiting(resources, deleted_at=now() - timedelta(minutes=5))
        await resources.objects.put(left["deletion_unfinished"].object_key, FILM, "video/webm")
        left["source_missing"] = await awaiting(resources, status=RecordingStatus.COMPLETED)
        left["job_missing"] = await awaiting(resources, status=RecordingStatus.PROCESSING, content_type="video/webm")
        await resources.objects.put(left["job_missing"].object_key, FILM, "video/webm")
        left["job_orphaned"] = left["transcript_orphaned"] = a_recording()
        await resources.jobs.create(a_job(left["job_orphaned"], at=now()))
        await resources.transcripts.begin(left["job_orphaned"].id, "fence", "echo")
        left["object_orphaned"] = a_recording()
        await resources.objects.put(keys.speech_part(left["object_orphaned"].id, 0), b"sound", "audio/pcm")
        left["upload_parts"] = await awaiting(resources, source=Source.MULTIPART, size_bytes=0, job_id=new_id())
        await Upload(resources.objects.request, left["upload_parts"].object_key, "video/webm").write(bytes(PART_BYTES))
    return {name: recording.id for name, recording in left.items()}


def reported(capsys: pytest.CaptureFixture[str], line: str) -> list[tuple[str, str, str]]:
    capsys.readouterr()
    assert main(line.split()) == 0
    return findings(capsys)


def findings(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str, str]]:
    said = capsys.readouterr().out
    report = json.loads(said[said.index("{\n") :])  # before it the log, which the tests leave where it is
    return [(found["kind"], found["recording_id"], found["outcome"]) for found in report["findings"]]


def at_once(settings: Settings, capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str, str]]:
    """What a run does for which nothing is too young."""
    capsys.readouterr()
    changed = settings.model_copy(update=AT_ONCE)
    asyncio.run(reconcile(changed, dry_run=False, everything=True, as_json=True))
    return findings(capsys)


def test_what_a_death_leaves_is_found_told_and_repaired(settings, capsys):
    left = asyncio.run(remains(settings))
    young = {"object_orphaned", "upload_parts"}
    expected = {(name, recording_id) for name, recording_id in left.items() if name not in young}
    expected.add(("upload_abandoned", left["upload_parts"]))
    for _ in range(2):  # a dry run changes nothing
        found = reported(capsys, "reconcile --dry-run --json")
        assert {found[:2] for found in found} == expected
        assert {outcome for *_, outcome in found} == {"found"}
    assert {(*one, "repaired") for one in expected} == set(reported(capsys, "reconcile --json"))
    assert at_once(settings, capsys) == [("object_orphaned", left["object_orphaned"], "repaired")]
    assert reported(capsys, "reconcile --dry-run --json") == []
    asyncio.run(expect_repaired(settings, left))


async def expect_repaired(settings: Settings, left: dict[str, str]) -> None:
    async with open_resources(settings) as resources:
        stored = {name: await resources.recordings.get(recording_id) for name, recording_id in left.items()}
        kept = {name: recording.status for name, recording in stored.items() if recording}
        assert kept == {
            "upload_stored": RecordingStatus.PROCESSING,
            "job_missing": RecordingStatus.PROCESSING,
            "source_missing": RecordingStatus.FAILED,
        }
        for name in ("upload_stored", "job_missing"):
            assert (await resources.jobs.get(stored[name].job_id)).status is Status.QUEUED
        whole = sorted(stored[name].object_key for name in ("upload_stored", "job_missing"))
        assert await resources.objects.keys("") == whole
        assert await resources.objects.open_uploads(keys.RECORDINGS) == []


def test_an_object_that_is_put_after_the_deletion_goes(settings, capsys):
    asyncio.run(put_after_deletion(settings))
    assert [kind for kind, *_ in at_once(settings, capsys)] == ["object_late"]
    assert at_once(settings, capsys) == []


async def put_after_deletion(settings: Settings) -> None:
    """A presigned address outlives the recording that it was given out for."""
    async with open_resources(settings) as resources:
        recording = await awaiting(resources)
        address = resources.objects.presign_put(recording.object_key, 60)
        await deletion_of(resources).destroy(recording)
        await put(address, FILM)


def test_it_says_what_it_saw_for_a_person(settings, capsys):
    assert main(["reconcile"]) == 0
    assert capsys.readouterr().out == "Looked at 0 recordings and 0 objects: no findings.\n"
    asyncio.run(remains(settings))
    assert main(["reconcile", "--dry-run"]) == 0
    head, *rows, last = capsys.readouterr().out.splitlines()
    assert head.split() == ["FINDING", "OUTCOME", "RECORDING", "DETAIL"]
    assert last == f"Looked at 6 recordings and 4 objects: {len(rows)} findings."


def test_stores_that_are_away_are_a_sentence(settings, capsys, monkeypatch):
    monkeypatch.setenv("S3_ENDPOINT", "http://127.0.0.1:1")
    assert main(["reconcile"]) == 1
    assert "object store" in capsys.readouterr().err
