"""What clients send and get about accounts, sessions and API keys."""

import re
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from schemas.model import Frozen
from schemas.requests import Email, Page, Password, Plain, Request, Title, Username

_LANGUAGE = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"
_TIMEZONE = r"^[A-Za-z0-9_+-]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,2}$"
_SCOPE = re.compile(r"[a-z_]+:(read|write)")


class UserView(Frozen):
    """An account, as its owner sees it."""

    id: str
    username: str
    email: str | None
    created_at: datetime
    display_name: str | None = None
    language: str | None = None
    timezone: str | None = None
    plan: str | None = Field(default=None, description="What is paid for. None: the free plan.")
    has_password: bool = Field(default=True, description="False: it is signed in to by an outside identity alone.")


class AccountChange(Request):
    """What of an account its owner can change. What is left out stays; null clears what may be empty."""

    username: Username | None = Field(default=None, examples=["ada"])
    email: Email | None = Field(default=None, examples=["ada@example.org"])
    display_name: Annotated[Plain | None, Field(max_length=100)] = Field(default=None, examples=["Ada Lovelace"])
    language: str | None = Field(default=None, pattern=_LANGUAGE, examples=["en-GB"], description="As in BCP 47.")
    timezone: str | None = Field(default=None, pattern=_TIMEZONE, examples=["Europe/London"], description="As IANA's.")


class PasswordChange(Request):
    """A new password, and the old one as a proof."""

    old_password: str = Field(max_length=256)
    new_password: Password


def _scope(name: str) -> str:
    if not _SCOPE.fullmatch(name):
        raise ValueError("a scope is a noun and read or write, such as recordings:read")
    return name


class ApiKeyRequest(Request):
    """A key for an extension or machine."""

    name: Title = Field(examples=["Recorder of room 2"])
    scopes: tuple[Annotated[str, AfterValidator(_scope)], ...] = Field(
        min_length=1, max_length=50, strict=False, examples=[["recordings:read", "uploads:write"]]
    )
    expires_in_days: int | None = Field(default=None, ge=1, le=3650, description="Without: until it is revoked.")


class ApiKeyView(Frozen):
    """A key, without its secret. `hint` is how the secret begins."""

    id: str
    name: str
    hint: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="To about ten minutes.")


class NewApiKey(ApiKeyView):
    """A key that was made just now. Its secret is shown this once."""

    secret: str


class ApiKeyList(Frozen):
    """All keys of the caller, newest first, and the scopes that a key can have."""

    items: tuple[ApiKeyView, ...]
    scopes: tuple[str, ...]


class AuditQuery(Page):
    """Which of one's own acts to list."""

    action: str | None = Field(
        default=None,
        pattern=r"^[a-z_]+\.[a-z_]+$",
        examples=["sessions.log_in"],
        description="Of this kind alone: a noun and what was done.",
    )


class EveryonesAuditQuery(AuditQuery):
    """Which acts to list."""

    user_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9-]{1,64}$", description="About this account.")
