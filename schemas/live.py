"""What is said over the websocket of a recorder: texts of JSON beside the recording's bytes."""

from typing import Annotated, Any, Literal

from pydantic import Field, RootModel

from schemas.model import Frozen
from schemas.uploads import UploadMetadata


class Begin(UploadMetadata):
    """The recorder's first text: a new recording."""

    type: Literal["begin"]


class Resume(Frozen):
    """The recorder's first text on a new connection: it goes on with a recording."""

    type: Literal["resume"]
    id: str = Field(min_length=1, max_length=64)


class Stop(Frozen):
    """The recorder's last text: what has come is all."""

    type: Literal["stop"]


class RecorderOpens(RootModel[Annotated[Begin | Resume, Field(discriminator="type")]]):
    """The recorder's first text."""


class RecorderSays(RootModel[Annotated[Begin | Resume | Stop, Field(discriminator="type")]]):
    """Any text that a recorder sends; its other messages are the recording's bytes."""


class LiveState(Frozen):
    """What the recorder is told, at first and after each of its frames.

    `offset` counts the bytes that are durable. type: `offset` · `ended`: everything is there and was taken in ·
    `refused`: `problem` says why, as in any answer, and the connection closes.
    """

    type: Literal["offset", "ended", "refused"]
    id: str | None = None
    job_id: str | None = None
    offset: int = Field(default=0, ge=0)
    problem: dict[str, Any] | None = None
