"""People and what they prove themselves with. Passwords, refresh tokens and tickets are stored only as hashes."""

from datetime import datetime

from schemas.model import Document


class User(Document):
    """An account. `username_key` and `email_key` are the casefolded names that must be unique."""

    id: str
    username: str
    username_key: str
    email: str
    email_key: str
    password_hash: str
    created_at: datetime


class RefreshToken(Document):
    """A refresh token by its hash. All that came from one log-in share `family_id`: reuse revokes them together."""

    id: str
    family_id: str
    user_id: str
    expires_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None


class Ticket(Document):
    """A single-use ticket, by its hash, that opens one websocket or event stream."""

    id: str
    user_id: str
    expires_at: datetime
