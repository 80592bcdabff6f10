"""Dead letters as operators see them: what is on the topic, with its number there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from schemas.jobs import AttemptRecord
from schemas.model import Frozen


class LetterItem(Frozen):
    """A dead letter in a list. `number` is its place on the topic: it grows with time and never changes.

    `job_id` and `recording_id` are None where it is about a message that could not be read. A letter that cannot be
    read itself has the code unreadable_event and no stage.
    """

    number: int
    at: datetime
    stage: str | None = None
    code: str
    detail: str
    attempts: int = 0
    job_id: str | None = None
    recording_id: str | None = None
    original_topic: str | None = None
    cut: bool = False


class Letter(LetterItem):
    """A dead letter, whole. `original` is what it is about: an event, or the value of the message in that encoding."""

    history: tuple[AttemptRecord, ...] = ()
    original: dict[str, Any] | str
    original_key: str | None = None
    encoding: Literal["text", "base64"] = "text"


class LetterList(Frozen):
    """A page of dead letters, newest first. `next_cursor` is None on the last page."""

    items: tuple[LetterItem, ...]
    next_cursor: str | None = None


class Replayed(Frozen):
    """What was set going: a job from its failed steps on, or a message that is on its topic once more."""

    number: int
    job_id: str | None = None
    topic: str | None = None


def page(found: Sequence[Letter], limit: int) -> LetterList:
    """A page of at most `limit` letters, out of what was found when one more than that was asked for."""
    shown = found[:limit]
    return LetterList(
        items=tuple(LetterItem(**letter.model_dump(include=set(LetterItem.model_fields))) for letter in shown),
        next_cursor=str(shown[-1].number) if len(found) > limit else None,
    )
