"""What is kept of who did what: log-ins, keys, passwords, deletions, acts of administrators. Never changed."""

from datetime import datetime
from typing import Literal

from schemas.model import Document, Frozen

Outcome = Literal["done", "refused"]


class AuditEvent(Document):
    """One act. `user_id` is whose account it is about, where there is one.

    All of it is shown to them and to administrators: what they must not see has no place here. `action` is the route's
    noun and what was done, `about` the ids that were named. No secret is ever part of it, nor the name that somebody
    tried to log in with: people type passwords there.
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


class AuditList(Frozen):
    """A page of acts, newest first. `next_cursor` is None on the last page."""

    items: tuple[AuditEvent, ...]
    next_cursor: str | None = None
