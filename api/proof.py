"""What a request's caller has proved: which account it is, by what, and what may be done with that."""

from dataclasses import dataclass
from typing import NamedTuple

from schemas.people import User


@dataclass(frozen=True, slots=True)
class Proof:
    """The caller. `scopes` bound what an API key can do, and a ticket that it asked for; None: everything.

    `session_id` is of a session of ours, or, if `outside`, of an outside issuer.
    """

    user: User
    session_id: str | None = None
    outside: bool = False
    key_id: str | None = None
    scopes: tuple[str, ...] | None = None


class Scopes(NamedTuple):
    """The scopes that everybody can give to a key of his, and those that administrators can."""

    everybody: tuple[str, ...]
    admins: tuple[str, ...]
