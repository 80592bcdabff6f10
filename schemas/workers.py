"""Who works: a document for each worker process, and what operators are told about the stages.

A stage stops by itself where too many of its attempts fail (see streams/breaker). Each process judges for itself, by
what it has seen: of the workers of one stage some may be stopped while others go on.
"""

from datetime import datetime
from enum import StrEnum

from schemas.model import Document, Frozen


class StageCondition(StrEnum):
    """Of a stage in one worker process."""

    WORKING = "working"
    STOPPED = "stopped"
    PROBING = "probing"
    """Stopped, with one attempt let through: its end decides."""


class StageState(Document):
    """A stage in one worker process: `running` of its `slots` are in use. `failed_share` is of the newest attempts.

    `since` is when the condition began; `reason` says of a stage that is not working why it stopped. `waiting_since` is
    when the oldest of the events came about that were read there and wait for a slot. `waiting_jobs` names some of
    their jobs where slots are held for long: whoever has room takes them over.
    """

    slots: int
    running: int
    state: StageCondition = StageCondition.WORKING
    since: datetime | None = None
    reason: str | None = None
    failed_share: float = 0
    waiting_since: datetime | None = None
    waiting_jobs: tuple[str, ...] = ()


class Worker(Document):
    """A worker process. `id` is the name under which it owns steps; `seen_at` grows for as long as it lives."""

    id: str
    host: str
    pid: int
    version: str
    stages: dict[str, StageState]
    started_at: datetime
    seen_at: datetime


class StageWorker(Frozen):
    """One worker of a stage, as operators see it."""

    worker: str
    running: int
    slots: int
    state: StageCondition
    since: datetime | None
    reason: str | None
    failed_share: float
    waiting_since: datetime | None


class StageView(Frozen):
    """A stage with the workers that live; `stopped` is how many of them take nothing up."""

    stage: str
    stopped: int
    workers: tuple[StageWorker, ...]


class StageList(Frozen):
    """Every stage."""

    items: tuple[StageView, ...]


class StageHealth(Frozen):
    """A stage as anybody may see it: how many workers of it live, how many are stopped, and why."""

    stage: str
    workers: int
    stopped: int
    reason: str | None = None


class StageResumed(Frozen):
    """A stage was told to go on: its workers do within a few seconds of that moment."""

    stage: str
    resumed_at: datetime
