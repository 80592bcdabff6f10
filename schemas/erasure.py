"""The erasure of an account: asked for once, gone on with until nothing is left, and what it removed."""

from datetime import datetime

from pydantic import Field

from schemas.model import Document, Frozen
from schemas.requests import Request


class Erasure(Document):
    """An erasure's document; it outlives the account and holds nothing of the person but the account's id.

    `receipt` is the fingerprint of the secret that its owner can ask with, `since` the moment before which there is
    nothing of the account. `removed` counts by name what is gone. `resumed_at` is when something was stored
    late that had been let in before, so that the erasure had to go on.
    """

    id: str
    receipt: str
    since: datetime
    requested_at: datetime
    resumed_at: datetime | None = None
    finished_at: datetime | None = None
    removed: dict[str, int] = Field(default_factory=dict)


class ErasureRequest(Request):
    """What confirms that an account is to be erased."""

    username: str = Field(max_length=254, description="The account's name, typed once more.", examples=["ada"])
    password: str | None = Field(default=None, max_length=256, description="Where the account has one.")


class Receipt(Request):
    """The receipt of an erasure."""

    receipt: str = Field(min_length=1, max_length=200, examples=["0199e2a4-7c1e-7d32-9a41-5be2f03c11aa.kTq0…"])


class ErasureView(Frozen):
    """How far an erasure is. `receipt` is given once, to who asked for it."""

    id: str
    status: str = Field(description="erasing, or erased: then nothing is left in any store.")
    requested_at: datetime
    finished_at: datetime | None = None
    removed: dict[str, int] = Field(description="What is gone by now, by what it was.")
    receipt: str | None = None


def view(erasure: Erasure, receipt: str | None = None) -> ErasureView:
    """What its owner sees of an erasure."""
    return ErasureView(
        id=erasure.id,
        status="erased" if erasure.finished_at else "erasing",
        requested_at=erasure.requested_at,
        finished_at=erasure.finished_at,
        removed=erasure.removed,
        receipt=receipt,
    )
