"""What is kept of who did what: log-ins, keys, passwords, deletions, acts of administrators. Never changed."""

from datetime import datetime
from typing import Literal

from schemas.model import Document, Frozen

Outcome = Literal["done", "refused"]


class AuditEvent(Document):
    """One act. `user_id` is whose account it is about, where there is one; it is shown to them and to administrators.

    `action` is the route's noun and what was done, `about` the ids that were named. No secret is ever part of it, nor
    the name that somebody tried to log in with: people type passwords there.
    """

    id: str
    at: datetime
    action: str
    outcome: Outcome
    user_id: str | None
    key_id: str | None
    address: str
    request_id: str
    about: dict[str, str]


class AuditView(Frozen):
    """One act, as its owner and administrators see it."""

    id: str
    at: datetime
    action: str
    outcome: Outcome
    user_id: str | None
    key_id: str | None
    address: str
    request_id: str
    about: dict[str, str]


class AuditList(Frozen):
    """A page of acts, newest first. `next_cursor` is None on the last page."""

    items: tuple[AuditView, ...]
    next_cursor: str | None = None
