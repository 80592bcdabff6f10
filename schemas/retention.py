"""Retention: rules by which old media goes by itself, what would go by them, and holds as administrators set them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from schemas.holds import Hold
from schemas.model import Document, Frozen
from schemas.requests import PROJECT_ID, Request, plain

MOST_RULES = 50
"""How many rules an account, and the operator, may have."""
MOST_SHOWN = 1000
"""How many recordings a preview names; all are counted."""


class Basis(StrEnum):
    """What the age of a recording is counted from: when it was made, or when it was changed last."""

    CREATED = "created"
    CHANGED = "changed"


class Matter(StrEnum):
    """What goes: what was uploaded, the media that was made of it (never its texts), or the recording as a whole."""

    ORIGINALS = "originals"
    RENDITIONS = "renditions"
    EVERYTHING = "everything"


class OperatorRuleNew(Request):
    """A rule for the recordings of everybody."""

    older_than_days: int = Field(ge=1, le=36500, examples=[90])
    by: Basis = Basis.CREATED
    what: Matter


class RuleNew(OperatorRuleNew):
    """A rule for the caller's recordings: all of them, or those of one course or project."""

    course_id: str | None = Field(default=None, pattern=PROJECT_ID, description="A course or project; null: all.")


class OperatorPreviewAsk(Request):
    """A rule to be tried beside those that hold, if one is to be."""

    rule: OperatorRuleNew | None = None


class PreviewAsk(Request):
    """A rule to be tried beside those that hold, if one is to be."""

    rule: RuleNew | None = None


class Rule(Document):
    """A rule's document. Without an owner it is the operator's, for everybody."""

    id: str
    owner_id: str | None
    course_id: str | None = None
    older_than_days: int
    by: Basis
    what: Matter
    created_at: datetime


class RuleView(Frozen):
    """A rule. `everybody`: it is the operator's."""

    id: str
    everybody: bool
    course_id: str | None
    older_than_days: int
    by: Basis
    what: Matter
    created_at: datetime


class RuleList(Frozen):
    """The rules that hold, newest first."""

    items: tuple[RuleView, ...]


class Expiring(Frozen):
    """What goes of one recording, by which rules, and about how many bytes that are."""

    recording_id: str
    owner_id: str
    title: str
    what: tuple[Matter, ...]
    rules: tuple[str, ...]
    total_bytes: int


class RetentionPreview(Frozen):
    """What would go by the rules at that moment, on hold or at work left out. `items` are the first of them."""

    at: datetime
    recordings: int
    total_bytes: int
    items: tuple[Expiring, ...]


def _reason(text: str) -> str:
    reason = plain(text)
    if not reason:
        raise ValueError("must not be empty")
    return reason


class HoldWish(Request):
    """Why something is to be on hold."""

    reason: Annotated[str, Field(max_length=500), AfterValidator(_reason)] = Field(examples=["Case 2026-17"])


class HoldView(Frozen):
    """What is on hold, and why."""

    recording_id: str | None = None
    owner_id: str
    course_id: str | None = None
    hold: Hold
