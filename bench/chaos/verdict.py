"""What is wrong with what was found: a pure function of what was sent, what is there, and what it should have been."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bench.chaos.clips import Clip
from bench.chaos.doors import Accepted, Refused
from bench.chaos.evidence import Evidence, Fields
from bench.chaos.results import Results, differences
from bench.chaos.uploader import Sent

_ENDED = ("completed", "failed", "cancelled")
_SEVERAL = ("dead.letter", "job.requested")
"""Facts of which a job may have more than one."""


class Fault(StrEnum):
    """The kinds of fault."""

    LOST = "lost"
    STUCK = "stuck"
    DUPLICATE = "duplicate"
    ORPHAN = "orphan"
    PROCESS = "process left"


@dataclass(frozen=True)
class Finding:
    """One fault: of which kind, what it is about (an id, a key), and in words what is wrong."""

    fault: Fault
    about: str
    why: str


@dataclass(frozen=True)
class Case:
    """Everything that is judged. `references` are results by clip; `kinds_of_fact` what its job puts on topics."""

    clips: Mapping[str, Clip]
    evidence: Evidence
    sent: tuple[Sent, ...] = ()
    results: Mapping[str, Results] = field(default_factory=dict)
    references: Mapping[str, Results] = field(default_factory=dict)
    kinds_of_fact: Mapping[str, frozenset[str]] = field(default_factory=dict)


def judge(case: Case) -> list[Finding]:
    """Every fault that there is."""
    return [*_doors(case), *unfinished(case.evidence), *_endings(case), *_facts(case), *_objects(case)]


def unfinished(evidence: Evidence) -> Iterator[Finding]:
    """What is not yet at rest: it may still come to an end, or to be cleared up, by itself."""
    for job_id, job in evidence.jobs.items():
        if job["status"] not in _ENDED:
            yield Finding(Fault.STUCK, job_id, f"the job is {job['status']}: {_states(job)}")
        elif any(step.get("owner") or step.get("lease_until") for step in job["steps"]):
            yield Finding(Fault.STUCK, job_id, f"a lease is left: {_states(job)}")
        elif job.get("outbox") or job.get("announce") or job.get("sweep_at"):
            yield Finding(Fault.STUCK, job_id, "it ended, but its outbox or agenda is not empty")
        if job["recording_id"] not in evidence.recordings:
            yield Finding(Fault.ORPHAN, job_id, "a job without its recording")
    for at, look in ((alarm["at"], look) for alarm in evidence.overdue for look in alarm["looks"]):
        yield Finding(Fault.STUCK, look["job_id"], f"an alarm of {at:%H:%M:%S} was never looked after")
    for recording_id, recording in evidence.recordings.items():
        job = evidence.jobs.get(recording["job_id"], {})
        if not job:
            yield Finding(Fault.ORPHAN, recording_id, f"a recording without a job, {recording['status']}")
        elif job["status"] in _ENDED and recording["status"] != job["status"]:
            yield Finding(Fault.STUCK, recording_id, f"{recording['status']}, but its job is {job['status']}")


def _doors(case: Case) -> Iterator[Finding]:
    for sent in case.sent:
        about = f"{sent.upload.door} {sent.clip.name}"
        match sent.answer:
            case Accepted(recording_id, job_id):
                if sent.clip.refused:
                    yield Finding(Fault.LOST, recording_id, f"{about} was accepted, and should have been refused")
                if recording_id not in case.evidence.recordings:
                    yield Finding(Fault.LOST, recording_id, f"{about}: the recording is gone")
                if job_id not in case.evidence.jobs:
                    yield Finding(Fault.LOST, job_id, f"{about}: the job is gone")
            case Refused(status, code):
                if code not in sent.clip.refused:
                    yield Finding(Fault.LOST, about, f"refused with {status} {code}")
            case why:
                yield Finding(Fault.STUCK, about, f"the client gave up: {why}")
    jobs = Counter(sent.answer.job_id for sent in case.sent if isinstance(sent.answer, Accepted))
    for job_id in (job_id for job_id, times in jobs.items() if times > 1):
        yield Finding(Fault.DUPLICATE, job_id, "two uploads were given the same job")


def _endings(case: Case) -> Iterator[Finding]:
    """Every recording with an ended job, acknowledged or not: whether it is what its clip makes."""
    for recording_id, recording in case.evidence.recordings.items():
        clip, job = case.clips[recording["filename"]], case.evidence.jobs.get(recording["job_id"], {})
        if job.get("status") not in _ENDED:
            continue
        if clip.good:
            yield from _good(case, clip, recording_id, job)
        elif not clip.failed & _codes(job):
            yield Finding(Fault.LOST, recording_id, f"{clip.name} should have failed: {_states(job)}")


def _good(case: Case, clip: Clip, recording_id: str, job: Fields) -> Iterator[Finding]:
    if job["status"] != "completed":
        yield Finding(Fault.LOST, recording_id, f"{clip.name} ended as {job['status']}: {_states(job)}")
        return
    found, reference = case.results.get(recording_id), case.references.get(clip.name)
    if found and reference:
        for name in differences(found, reference):
            yield Finding(Fault.LOST, recording_id, f"{clip.name}: {name} is {found[name]}, not {reference[name]}")


def _facts(case: Case) -> Iterator[Finding]:
    ids: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for fact in case.evidence.facts:
        ids[fact["job_id"]][fact["type"]].add(fact["id"])
    for job_id, kinds in ids.items():
        for kind, different in kinds.items():
            if len(different) > 1 and kind not in _SEVERAL:
                yield Finding(Fault.DUPLICATE, job_id, f"{len(different)} different facts {kind}")
    for job_id, job in case.evidence.jobs.items():
        recording = case.evidence.recordings.get(job["recording_id"], {})
        expected = case.kinds_of_fact.get(recording.get("filename", ""), frozenset())
        if job["status"] == "completed" and (missing := expected - ids[job_id].keys()):
            yield Finding(Fault.LOST, job_id, f"no fact on the topics: {', '.join(sorted(missing))}")


def _objects(case: Case) -> Iterator[Finding]:
    named: dict[str, int | None] = {}
    for recording in case.evidence.recordings.values():
        job = case.evidence.jobs.get(recording["job_id"], {})
        kinds = [rendition["kind"] for rendition in recording["renditions"]]
        if len(kinds) != len(set(kinds)):
            yield Finding(Fault.DUPLICATE, recording["_id"], f"renditions {kinds}")
        named |= {recording["object_key"]: recording["size_bytes"]} if job else {}
        named |= {rendition["key"]: rendition["size_bytes"] for rendition in recording["renditions"]}
        named |= dict.fromkeys(thumbnail["key"] for thumbnail in recording["thumbnails"])
        parts = job.get("results", {}).get("audio", {}).get("parts", 0)
        named |= dict.fromkeys(f"recordings/{recording['_id']}/speech/{part:06d}.pcm" for part in range(parts))
    for key in case.evidence.objects.keys() - named.keys():
        yield Finding(Fault.ORPHAN, key, "an object that no document names")
    for key, size in named.items():
        found = case.evidence.objects.get(key)
        if found is None or size not in (None, found):
            yield Finding(Fault.LOST, key, f"an object of {size} bytes in the document, {found} in the store")


def _states(job: Fields) -> str:
    steps = (f"{step['name']} {step['status']}{_code(step)} (attempt {step['attempt']})" for step in job["steps"])
    return ", ".join(steps)


def _code(step: Fields) -> str:
    return f" with {step['error']['code']}" if step.get("error") else ""


def _codes(job: Fields) -> set[str]:
    return {step["error"]["code"] for step in job["steps"] if step.get("error") and step["status"] == "failed"}
