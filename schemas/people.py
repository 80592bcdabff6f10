"""People and what they prove themselves with. Passwords, refresh tokens, tickets and keys are stored only as hashes."""

from datetime import datetime

from schemas.model import Document


class User(Document):
    """An account. `username_key` and `email_key` are the casefolded names that must be unique.

    An account of an outside identity has no password, and keys made from its id until its owner takes a name: what an
    issuer calls somebody reserves nothing here. Sessions of an earlier `generation` are over. `plan` is what is paid
    for; None is the free one.
    """

    id: str
    username: str
    username_key: str
    email: str | None
    email_key: str
    password_hash: str | None
    created_at: datetime
    display_name: str | None = None
    language: str | None = None
    timezone: str | None = None
    plan: str | None = None
    generation: int = 0

    @property
    def paid(self) -> bool:
        """Whether a plan is paid for."""
        return self.plan is not None


class Identity(Document):
    """Somebody whom an outside issuer knows, by the fingerprint of issuer and subject: which account that is."""

    id: str
    issuer: str
    subject: str
    user_id: str
    created_at: datetime


class Session(Document):
    """What begins with a log-in: every token that comes of it is good for as long as it is not revoked.

    For a token of an outside issuer there is a document only where somebody logged out with it.
    """

    id: str
    user_id: str
    generation: int
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


class RefreshToken(Document):
    """A refresh token by its hash. All that came from one log-in share a session: reuse revokes them together.

    `seed` is drawn when it is used: from it and the secret of this one follows the secret of the next.
    """

    id: str
    session_id: str
    user_id: str
    expires_at: datetime
    used_at: datetime | None = None
    seed: str | None = None


class Ticket(Document):
    """A single-use ticket, by its hash, that opens one websocket or event stream.

    It can do what the proof could that it was asked for with, and for as long: `scopes` of an API key (None:
    everything), the session, of an outside issuer if `outside`, or the key.
    """

    id: str
    user_id: str
    expires_at: datetime
    scopes: tuple[str, ...] | None = None
    session_id: str | None = None
    outside: bool = False
    key_id: str | None = None


class ApiKey(Document):
    """A key of an extension or machine, by its hash. `key_id` names it for its owner, `hint` is how it begins."""

    id: str
    key_id: str
    owner_id: str
    name: str
    hint: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    last_used_from: str | None = None
