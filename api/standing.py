"""Whether those who prove themselves may still come in: their account exists, and their session has not ended.

A token says who somebody was when it was made. So each is held against the account and the session, which are read once
in TRUSTED_SECONDS: a session that ended on this node is over at once, on any other so much later.
"""

from api.recent import Recent
from schemas.people import Session, User
from schemas.problems import Problem
from schemas.time import now
from stores.people import People
from stores.sessions import Sessions

TRUSTED_SECONDS = 5.0


class Standing:
    """Accounts and sessions as they were a moment ago. Methods raise StoreUnavailable."""

    def __init__(self, people: People, sessions: Sessions) -> None:
        self._users: Recent[str, User | None] = Recent(people.get, TRUSTED_SECONDS)
        self._sessions: Recent[str, Session | None] = Recent(sessions.get, TRUSTED_SECONDS)

    async def user(self, user_id: str) -> User:
        """The account. Raises Problem token_invalid where there is none any more."""
        user = await self._users.get(user_id)
        if user is None:
            raise Problem("token_invalid", "The account is not there any more.")
        return user

    async def expect_session(self, session_id: str, user: User) -> None:
        """Raises Problem token_invalid where the session is over."""
        if not lives(await self._sessions.get(session_id), user):
            raise _over()

    async def expect_not_left(self, session_id: str) -> None:
        """Raises Problem token_invalid where somebody logged out of this session of an outside issuer."""
        if await self._sessions.get(session_id) is not None:
            raise _over()

    def changed(self, user_id: str, session_id: str | None = None) -> None:
        """The account or its session has changed just now: what was read of them is forgotten."""
        self._users.forget(user_id)
        if session_id is not None:
            self._sessions.forget(session_id)


def lives(session: Session | None, user: User) -> bool:
    """Whether the session is that of the account, and nothing has ended it."""
    if session is None or session.revoked_at is not None or session.expires_at <= now():
        return False
    return session.user_id == user.id and session.generation == user.generation


def _over() -> Problem:
    return Problem("token_invalid", "The session has ended; sign in again.")
