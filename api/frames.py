"""One state of a job, as the bytes that every watcher of it is sent: made once, whatever the number of watchers."""

from struct import Struct
from typing import Any, NamedTuple, Protocol

import orjson

from schemas.jobs import Job, JobView, Status, view

_JOB = b',"job":'
"""Within JSON text only a key looks like this: a quote inside a string has a backslash before it."""
_ENDED = {status.value: status.ended for status in Status}
_MIDDLE, _LONG = Struct("!BBH"), Struct("!BBQ")


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

    Only what stands before the job is read, and the job's bytes are handed on as they are: taking all apart takes four
    times as long, with all of the model's checks fifty times, and every node reads every event. Raises ValueError for
    anything else.
    """
    head, found, job = value.partition(_JOB)
    if not found:
        raise ValueError("no state of a job")
    try:
        event: dict[str, Any] = orjson.loads(head + b"}")
        return Frame(str(event["job_id"]), int(event["version"]), _ENDED[event["status"]], job[:-1])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"no state of a job: {error}") from error


def text_frame(text: bytes) -> bytes:
    """A websocket's text frame, whole and not masked, as a server sends it (RFC 6455, 5.2)."""
    if len(text) < 126:
        return b"\x81%c%b" % (len(text), text)
    if len(text) < 65536:
        return _MIDDLE.pack(0x81, 126, len(text)) + text
    return _LONG.pack(0x81, 127, len(text)) + text
