"""What is said over the websocket that watches many jobs: `WS /api/v1/jobs/ws`. Text frames, a JSON object each."""

from typing import Annotated, Any, Literal

from pydantic import Field, RootModel, StringConstraints

from schemas.jobs import JobView
from schemas.model import Frozen

JOBS_A_MESSAGE = 100
JOBS_A_SOCKET = 1000
MESSAGE_BYTES = 16 * 1024

JobId = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class Followed(Frozen):
    """A job, and the version of its state that the client has: only what is newer is sent."""

    id: JobId
    seen: int = Field(default=0, ge=0, le=2**53)


class Subscribe(Frozen):
    """Asks for the states of jobs: the present one of each, and every newer one."""

    type: Literal["subscribe"]
    jobs: tuple[Followed, ...] = Field(min_length=1, max_length=JOBS_A_MESSAGE)


class Unsubscribe(Frozen):
    """Asks for no more of them."""

    type: Literal["unsubscribe"]
    jobs: tuple[JobId, ...] = Field(min_length=1, max_length=JOBS_A_MESSAGE)


class Ping(Frozen):
    """Asks whether the service is there. `id` comes back."""

    type: Literal["ping"]
    id: str | None = Field(default=None, max_length=64)


class Asked(RootModel[Annotated[Subscribe | Unsubscribe | Ping, Field(discriminator="type")]]):
    """Any frame that a client sends."""


class State(Frozen):
    """A state of a job that is followed. Versions of one job grow; states that were out of date may be left out."""

    type: Literal["state"] = "state"
    job: JobView


class Subscribed(Frozen):
    """These jobs are followed now. Their present states are sent too, unless the client has them."""

    type: Literal["subscribed"] = "subscribed"
    jobs: tuple[str, ...]


class Unsubscribed(Frozen):
    """Nothing more comes of these jobs: it was asked for, or a job is `gone`, or not the caller's to read any more."""

    type: Literal["unsubscribed"] = "unsubscribed"
    jobs: tuple[str, ...]
    gone: bool = False


class Pong(Frozen):
    """The answer to a ping."""

    type: Literal["pong"] = "pong"
    id: str | None = None


class Refused(Frozen):
    """What was asked cannot be had: a problem as elsewhere, and the jobs that it is about. The rest goes on."""

    type: Literal["refused"] = "refused"
    jobs: tuple[str, ...] = ()
    problem: dict[str, Any]


class Told(RootModel[Annotated[State | Subscribed | Unsubscribed | Pong | Refused, Field(discriminator="type")]]):
    """Any frame that the service sends."""
