"""What a stage is: a name, the topic that wakes it, its limits, and one function that does the work."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from schemas.events import Event, JobRequested, read_event
from schemas.jobs import Job
from schemas.settings import Settings
from schemas.topics import Topic
from streams.context import Context


@dataclass(frozen=True)
class Outcome:
    """What a completed step leaves: what the job shows of it, and the fact that it puts on a topic."""

    results: dict[str, Any]
    event: Event


Perform = Callable[[Context, Any], Awaitable[Outcome]]


@dataclass(frozen=True)
class Stage:
    """One stage of the pipeline. `perform` may run twice on one event: what it writes, it writes over.

    `consumes` is the topic of the facts that wake it, `accepts` are their types; a JobRequested that names the stage
    wakes it as well. `needs` names the providers that it uses: a worker of it does not start without them. `limit`
    gives the seconds that one attempt may take, `limited_by` names the setting behind it. `preload` names what an idle
    child of the stage imports ahead of its work (see providers/child); `niceness` is how far its children stand back
    for those of other stages. Children of an `endless` one renew their limit of processor time by themselves as they
    get on. Without `ready` no child waits idle before the stage has had work. `slots` gives how many attempts at a time
    a worker has room for.
    """

    name: str
    consumes: Topic
    accepts: tuple[type[Event], ...]
    perform: Perform
    limit: Callable[[Settings], float]
    limited_by: str = "MEDIA_STEP_SECONDS"
    preload: Callable[[Settings], tuple[str, ...]] = lambda _: ()
    needs: tuple[Literal["speech", "live_speech", "analyst"], ...] = ()
    in_children: bool = False
    endless: bool = False
    ready: bool = True
    slots: Callable[[Settings], int] = lambda settings: settings.worker_concurrency
    niceness: int = 0

    def share(self, slots: int) -> int | None:
        """How many of a worker's slots one caller may hold: half of them where they are held for hours, else all."""
        return max(slots // 2, 1) if self.endless else None

    def wakes_on(self, event: Event) -> bool:
        """Whether the event wakes this stage."""
        if isinstance(event, JobRequested):
            return self.name in event.steps
        return isinstance(event, self.accepts)

    def wake_of(self, job: Job) -> Event | None:
        """The newest fact of the job that wakes this stage."""
        events = [event for fact in job.facts if self.wakes_on(event := read_event(fact))]
        return events[-1] if events else None
