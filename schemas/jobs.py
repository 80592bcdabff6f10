"""A job: a piece of work on one recording, as its document keeps it and as its watchers see it.

The document is the truth about the work; a Kafka message only wakes somebody up. Every change goes through a
compare-and-set on `revision`; `version` grows with each change that a watcher can see, and is one state of the whole.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from schemas.model import Document, Frozen
from schemas.pipeline import LIVE, OPTIONAL, JobType

LOG_LINES = 100
"""How many log lines a job keeps: the newest."""

HISTORY_LENGTH = 20
"""How many attempts without a result a step remembers: the newest."""


class Status(StrEnum):
    """Of a job and of a step."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self in (Status.COMPLETED, Status.FAILED, Status.CANCELLED)


class Failure(Frozen):
    """Why a step ended without a result: a stable code, and a sentence for a person."""

    code: str
    detail: str


class LogLine(Frozen):
    """A line of a job's log."""

    at: datetime
    step: str | None = None
    message: str


class AttemptRecord(Frozen):
    """An attempt that did not bring the step to its end. `worker` is who made it."""

    attempt: int
    worker: str | None = None
    started_at: datetime | None = None
    ended_at: datetime
    code: str
    detail: str


class Step(Document):
    """One step. `fence` grows with every claim; `owner` and `lease_until` are set while somebody works on it.

    `ticket` is the owner's number of the claim, by which it knows its own again. `woken_by` is the id of the fact that
    the last claim was made on; `returns` counts how often it was given back for a reason that is not its own, `losses`
    how often its worker went away; `wake_at` is when the sweeper wakes a step that waits, if nobody has claimed it by
    then, and `wakes` how often it has.
    """

    name: str
    after: tuple[str, ...] = ()
    status: Status = Status.QUEUED
    progress: float = Field(default=0, ge=0, le=100)
    attempt: int = 0
    max_attempts: int = 3
    returns: int = 0
    losses: int = 0
    fence: int = 0
    owner: str | None = None
    ticket: int | None = None
    lease_until: datetime | None = None
    woken_by: str | None = None
    not_before: datetime | None = None
    wake_at: datetime | None = None
    wakes: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    error: Failure | None = None
    claimed_at: datetime | None = None
    history: list[AttemptRecord] = Field(default_factory=list)


class Job(Document):
    """A job's document.

    `requests` counts how often it was asked for or set going again; `rank` is an id made when it was last set going
    again, which decides whose work on the recording is the newer. `facts` holds every event that this job has put,
    or will put, on a topic: what wakes a step again. `outbox` has the ids of those that are not known to be published;
    `announce` says that the newest state has not been told to the watchers; `owes_since` is set while either is so.
    `sweep_at` is when the sweeper should look at it; None when nothing is left to be done.
    """

    id: str
    recording_id: str
    owner_id: str
    project_id: str | None = None
    job_type: JobType = JobType.INGEST
    payload: dict[str, Any] = Field(default_factory=dict)
    retry_delay_seconds: float | None = None
    requests: int = 0
    rank: str | None = None
    status: Status = Status.QUEUED
    version: int = 1
    revision: int = 1
    steps: list[Step]
    logs: list[LogLine] = Field(default_factory=list)
    results: dict[str, Any] = Field(default_factory=dict)
    facts: list[dict[str, Any]] = Field(default_factory=list)
    outbox: list[str] = Field(default_factory=list)
    announce: bool = False
    owes_since: datetime | None = None
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    sweep_at: datetime | None = None

    def step(self, name: str) -> Step:
        """The step of that name. Raises KeyError where the job has none."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)

    @property
    def needed(self) -> tuple[Step, ...]:
        """The steps without which the job does not succeed."""
        return tuple(step for step in self.steps if step.name not in OPTIONAL)

    @property
    def failure(self) -> Failure | None:
        """That of the first step that failed, of those that are needed."""
        return next((step.error for step in self.needed if step.status is Status.FAILED and step.error), None)

    @property
    def live(self) -> bool:
        """Whether the upload that it works on is still coming."""
        return any(step.name == LIVE for step in self.steps) and not any(
            fact["type"] == "recording.uploaded" for fact in self.facts
        )

    @property
    def progress(self) -> float:
        """From 0 to 100: the mean of the steps."""
        return round(sum(step.progress for step in self.steps) / max(len(self.steps), 1), 1)


class AttemptView(Frozen):
    """An attempt without a result, as the job's watchers see it."""

    attempt: int
    started_at: datetime | None = None
    ended_at: datetime
    code: str
    detail: str


class StepView(Frozen):
    """A step as its watchers see it. `next_attempt_at` is set while it waits to be tried again.

    `history` has its attempts without a result, the newest last.
    """

    name: str
    status: Status
    progress: float
    attempt: int
    max_attempts: int = 3
    started_at: datetime | None = None
    finished_at: datetime | None = None
    next_attempt_at: datetime | None = None
    error: Failure | None = None
    history: tuple[AttemptView, ...] = ()


class JobItem(Frozen):
    """A job in a list. `delivered` names the steps whose results are there, `missing` those that ended without one.

    `error` is that of the first step that failed: the others may have delivered all the same.
    """

    id: str
    recording_id: str
    project_id: str | None = None
    job_type: JobType
    payload: dict[str, Any] = Field(default_factory=dict)
    status: Status
    progress: float
    version: int
    delivered: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    error: Failure | None = None
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None


class JobView(JobItem):
    """A job as its watchers see it: the answer to GET, and every message of its websocket and event stream."""

    steps: tuple[StepView, ...]
    logs: tuple[LogLine, ...] = ()
    results: dict[str, Any] = Field(default_factory=dict)


_AS_STORED = (
    *("id", "recording_id", "project_id", "job_type", "payload", "status", "version"),
    *("created_at", "started_at", "finished_at"),
)


def item(job: Job) -> JobItem:
    """What a list shows of a job."""
    return JobItem(**_shared(job))


def view(job: Job) -> JobView:
    """What the watchers of a job see of it."""
    return JobView(
        **_shared(job),
        steps=tuple(_step_view(step) for step in job.steps),
        logs=tuple(job.logs),
        results=job.results,
    )


def _shared(job: Job) -> dict[str, Any]:
    return {
        **{name: getattr(job, name) for name in _AS_STORED},
        "progress": job.progress,
        "delivered": tuple(step.name for step in job.steps if step.status is Status.COMPLETED),
        "missing": tuple(step.name for step in job.needed if step.status in (Status.FAILED, Status.CANCELLED)),
        "error": job.failure,
    }


def _step_view(step: Step) -> StepView:
    return StepView(
        name=step.name,
        status=step.status,
        progress=step.progress,
        attempt=step.attempt,
        max_attempts=step.max_attempts,
        started_at=step.started_at,
        finished_at=step.finished_at,
        next_attempt_at=step.not_before if step.status is Status.QUEUED else None,
        error=step.error,
        history=tuple(_attempt_view(record) for record in step.history),
    )


def _attempt_view(record: AttemptRecord) -> AttemptView:
    return AttemptView(
        attempt=record.attempt,
        started_at=record.started_at,
        ended_at=record.ended_at,
        code=record.code,
        detail=record.detail,
    )
