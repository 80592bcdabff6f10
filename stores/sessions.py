"""Sessions and refresh tokens in MongoDB: collections `sessions`, `refresh_tokens`.

A log-in begins a session; revoking it is one write by `_id`, and ends every token that came of it. A refresh token's
`_id` is its SHA-256. What has expired is refused by whoever reads it and swept by `sweep`.
"""

from datetime import datetime

from schemas.people import RefreshToken, Session
from stores.documents import Database, from_document, to_document
from stores.errors import Duplicate, answering, in_time


class Sessions:
    """The repository of sessions. Methods raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._sessions = database["sessions"]
        self._tokens = database["refresh_tokens"]

    async def prepare(self) -> None:
        """Creates the indexes. Harmless when repeated."""
        async with in_time():
            await self._sessions.create_index("user_id")
            await self._sessions.create_index("expires_at")
            await self._tokens.create_index("expires_at")

    async def begin(self, session: Session) -> None:
        """Stores a new session."""
        async with answering():
            await self._sessions.insert_one(to_document(session))

    async def get(self, session_id: str) -> Session | None:
        """The session, revoked or not."""
        async with answering():
            found = await self._sessions.find_one({"_id": session_id})
        return from_document(Session, found) if found else None

    async def keep(self, session_id: str, until: datetime) -> None:
        """Lets the session live until then."""
        async with answering():
            await self._sessions.update_one({"_id": session_id}, {"$set": {"expires_at": until}})

    async def carry_over(self, session_id: str, generation: int) -> None:
        """Lets the session outlive a change of password: it is of that generation now."""
        async with answering():
            await self._sessions.update_one({"_id": session_id}, {"$set": {"generation": generation}})

    async def revoke(self, session: Session) -> None:
        """Ends a session, whether it was stored before or not. Harmless when repeated."""
        fields = to_document(session)
        del fields["_id"]
        async with answering():
            await self._sessions.update_one({"_id": session.id}, {"$set": fields}, upsert=True)

    async def add_refresh_token(self, token: RefreshToken) -> None:
        """Stores a new refresh token. Harmless when repeated: what is there stays as it is, used or not."""
        try:
            async with answering():
                await self._tokens.insert_one(to_document(token))
        except Duplicate:
            pass

    async def refresh_token(self, token_hash: str) -> RefreshToken | None:
        """The token of that hash, used or not."""
        async with answering():
            found = await self._tokens.find_one({"_id": token_hash})
        return from_document(RefreshToken, found) if found else None

    async def use_refresh_token(self, token_hash: str, at: datetime, seed: str) -> tuple[RefreshToken | None, bool]:
        """The token of that hash, and whether this call is the one that used it up: exactly one call ever is.

        That one's seed stays with the token, so that every caller is given the same.
        """
        unused = {"_id": token_hash, "used_at": None, "expires_at": {"$gt": at}}
        use = {"used_at": at, "seed": seed}
        async with answering():
            before = await self._tokens.find_one_and_update(unused, {"$set": use})
        if not before:
            return await self.refresh_token(token_hash), False
        return from_document(RefreshToken, before | use), True

    async def forget(self, user_id: str) -> int:
        """Removes the account's sessions and tokens, and says how many sessions there were. Harmless when repeated."""
        async with answering():
            await self._tokens.delete_many({"user_id": user_id})
            return int((await self._sessions.delete_many({"user_id": user_id})).deleted_count)

    async def sweep(self, at: datetime) -> None:
        """Forgets expired sessions and tokens. Harmless when repeated."""
        async with answering():
            await self._sessions.delete_many({"expires_at": {"$lte": at}})
            await self._tokens.delete_many({"expires_at": {"$lte": at}})
