"""The verdict of a chaos run: a run without a fault has none, and each kind of fault is seen."""

import copy
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.chaos.clips import Clip
from bench.chaos.doors import Accepted, Refused
from bench.chaos.evidence import Evidence
from bench.chaos.plan import Upload
from bench.chaos.uploader import Sent
from bench.chaos.verdict import Case, Fault, judge

GOOD = Clip(Path("good.webm"))
BROKEN = Clip(Path("broken.webm"), failed=frozenset({"undecodable"}))
WORDS = Clip(Path("words.webm"), refused=frozenset({"unsupported_media"}))
KINDS = frozenset({"recording.uploaded", "audio.extracted"})
RESULTS = {"words": ["it", "was"], "torn": []}


def sent(clip: Clip, answer: Accepted | Refused | str) -> Sent:
    return Sent(Upload(at=0, clip=clip.name, door="front", caller=0), clip, answer)


def a_job(name: str, status: str, code: str | None = None) -> dict:
    step = {"name": "audio", "status": status, "attempt": 1, "owner": None, "lease_until": None, "error": None}
    step |= {"error": {"code": code}} if code else {}
    results = {"audio": {"parts": 1}} if status == "completed" else {}
    return {"_id": f"job-{name}", "recording_id": name, "status": status, "steps": [step], "results": results}


def a_recording(name: str, clip: Clip, status: str) -> dict:
    made = [{"kind": "mp4", "key": f"recordings/{name}/renditions/video.mp4", "size_bytes": 7}]
    return {
        "_id": name,
        "job_id": f"job-{name}",
        "filename": clip.name,
        "status": status,
        "object_key": f"recordings/{name}/original",
        "size_bytes": 100,
        "renditions": made if status == "completed" else [],
        "thumbnails": [{"key": f"recordings/{name}/thumbnails/0000.jpg"}] if status == "completed" else [],
    }


@pytest.fixture
def case() -> Case:
    """A run of three uploads that all came to the end that is right for them."""
    evidence = Evidence(
        jobs={"job-one": a_job("one", "completed"), "job-two": a_job("two", "failed", "undecodable")},
        recordings={"one": a_recording("one", GOOD, "completed"), "two": a_recording("two", BROKEN, "failed")},
        objects={
            "recordings/one/original": 100,
            "recordings/one/renditions/video.mp4": 7,
            "recordings/one/thumbnails/0000.jpg": 3,
            "recordings/one/speech/000000.pcm": 9,
            "recordings/two/original": 100,
        },
        facts=[{"job_id": "job-one", "type": kind, "id": kind} for kind in KINDS],
    )
    return Case(
        clips={clip.name: clip for clip in (GOOD, BROKEN, WORDS)},
        evidence=evidence,
        sent=(
            sent(GOOD, Accepted("one", "job-one")),
            sent(BROKEN, Accepted("two", "job-two")),
            sent(WORDS, Refused(415, "unsupported_media")),
        ),
        results={"one": copy.deepcopy(RESULTS)},
        references={GOOD.name: RESULTS},
        kinds_of_fact={GOOD.name: KINDS},
    )


def faults(case: Case) -> list[tuple[Fault, str]]:
    return [(finding.fault, finding.about) for finding in judge(case)]


def test_nothing_is_wrong_with_what_is_right(case: Case) -> None:
    assert judge(case) == []


def test_a_fact_that_was_published_again_is_no_duplicate(case: Case) -> None:
    case.evidence.facts.append(dict(case.evidence.facts[0]))
    assert judge(case) == []


def test_two_different_facts_of_one_kind(case: Case) -> None:
    case.evidence.facts.append({**case.evidence.facts[0], "id": "another"})
    assert faults(case) == [(Fault.DUPLICATE, "job-one")]


def test_a_fact_that_is_missing(case: Case) -> None:
    case.evidence.facts.pop()
    assert faults(case) == [(Fault.LOST, "job-one")]


def test_a_recording_that_is_gone(case: Case) -> None:
    del case.evidence.recordings["two"]
    assert (Fault.LOST, "two") in faults(case)
    assert (Fault.ORPHAN, "recordings/two/original") in faults(case)
    assert (Fault.ORPHAN, "job-two") in faults(case)


def test_a_job_that_is_gone(case: Case) -> None:
    del case.evidence.jobs["job-two"]
    assert (Fault.LOST, "job-two") in faults(case)
    assert (Fault.ORPHAN, "two") in faults(case)


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_job_that_does_not_end(case: Case, state: str) -> None:
    case.evidence.jobs["job-two"]["status"] = state
    assert faults(case) == [(Fault.STUCK, "job-two")]


@pytest.mark.parametrize("left", [{"outbox": ["id"]}, {"announce": True}, {"sweep_at": datetime.now(UTC)}])
def test_an_ended_job_that_is_not_at_rest(case: Case, left: dict) -> None:
    case.evidence.jobs["job-one"] |= left
    assert faults(case) == [(Fault.STUCK, "job-one")]


def test_a_lease_that_is_left(case: Case) -> None:
    case.evidence.jobs["job-one"]["steps"][0]["owner"] = "somebody"
    assert faults(case) == [(Fault.STUCK, "job-one")]


def test_an_alarm_that_nobody_looked_after(case: Case) -> None:
    case.evidence.overdue.append({"at": datetime.now(UTC), "looks": [{"job_id": "job-one"}]})
    assert faults(case) == [(Fault.STUCK, "job-one")]


def test_a_recording_that_does_not_follow_its_job(case: Case) -> None:
    case.evidence.recordings["two"]["status"] = "processing"
    assert faults(case) == [(Fault.STUCK, "two")]


def test_a_good_file_that_failed(case: Case) -> None:
    case.evidence.jobs["job-one"] = a_job("one", "failed", "worker_lost")
    case.evidence.recordings["one"]["status"] = "failed"
    assert (Fault.LOST, "one") in faults(case)


def test_a_broken_file_that_failed_for_another_reason(case: Case) -> None:
    case.evidence.jobs["job-two"] = a_job("two", "failed", "worker_lost")
    assert faults(case) == [(Fault.LOST, "two")]


def test_results_that_are_not_those_of_a_quiet_run(case: Case) -> None:
    case.results["one"]["words"] = ["it", "is"]
    assert faults(case) == [(Fault.LOST, "one")]


@pytest.mark.parametrize("answer", [Refused(415, "unsupported_media"), Refused(500, "internal_error")])
def test_a_good_file_that_was_refused(case: Case, answer: Refused) -> None:
    wrong = Case(**{**vars(case), "sent": (*case.sent, sent(GOOD, answer))})
    assert faults(wrong) == [(Fault.LOST, "front good.webm")]


def test_a_file_that_should_have_been_refused(case: Case) -> None:
    wrong = Case(**{**vars(case), "sent": (*case.sent[:2], sent(WORDS, Accepted("two", "job-two")))})
    assert (Fault.LOST, "two") in faults(wrong)


def test_a_client_that_gave_up(case: Case) -> None:
    wrong = Case(**{**vars(case), "sent": (*case.sent, sent(GOOD, "nobody answered"))})
    assert faults(wrong) == [(Fault.STUCK, "front good.webm")]


def test_two_uploads_with_one_job(case: Case) -> None:
    wrong = Case(**{**vars(case), "sent": (*case.sent, sent(GOOD, Accepted("one", "job-one")))})
    assert faults(wrong) == [(Fault.DUPLICATE, "job-one")]


def test_an_object_that_no_document_names(case: Case) -> None:
    case.evidence.objects["recordings/one/speech/000001.pcm"] = 9
    assert faults(case) == [(Fault.ORPHAN, "recordings/one/speech/000001.pcm")]


@pytest.mark.parametrize("size", [6, None])
def test_an_object_that_is_not_what_its_document_says(case: Case, size: int | None) -> None:
    key = "recordings/one/renditions/video.mp4"
    del case.evidence.objects[key]
    case.evidence.objects.update({key: size} if size else {})
    assert faults(case) == [(Fault.LOST, key)]


def test_two_renditions_of_one_kind(case: Case) -> None:
    case.evidence.recordings["one"]["renditions"] *= 2
    assert faults(case) == [(Fault.DUPLICATE, "one")]
