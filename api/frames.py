"""One state of a job, as the bytes that every watcher of it is sent: made once, whatever the number of watchers."""

from typing import Any, NamedTuple, Protocol

import orjson

from schemas.jobs import Job, JobView, Status, view


class Frame(NamedTuple):
    """A state. `body` is the JSON of schemas.jobs.JobView; `ended` says that nothing more will happen."""

    job_id: str
    version: int
    ended: bool
    body: bytes


class Watcher(Protocol):
    """Whoever gets the states of jobs. None of these blocks, whatever the client at the other end does."""

    def put(self, frame: Frame) -> None:
        """Offers a state; one that is not newer than what was offered before is dropped."""

    def gone(self, job_id: str) -> None:
        """Says that there is no such job any more."""

    def close(self) -> None:
        """Says that nothing more will come: the service is shutting down."""


def frame_of(job: Job | JobView) -> Frame:
    """The frame of a job's state."""
    shown = view(job) if isinstance(job, Job) else job
    return Frame(shown.id, shown.version, shown.status.ended, shown.model_dump_json().encode())


def frame_in(value: bytes) -> Frame:
    """The frame that a schemas.events.JobProgressed holds, which one of our own processes wrote.

    Only what is looked at is checked, and the rest handed on as it is: with all of the model's checks it takes ten
    times as long, and every node reads every event. Raises ValueError for anything else.
    """
    try:
        job: dict[str, Any] = orjson.loads(value)["job"]
        return Frame(str(job["id"]), int(job["version"]), Status(job["status"]).ended, orjson.dumps(job))
    except (KeyError, TypeError) as error:
        raise ValueError(f"no state of a job: {error}") from error
