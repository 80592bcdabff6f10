"""Accounts, refresh tokens and tickets in MongoDB: collections `users`, `refresh_tokens`, `tickets`.

Secrets are kept as hashes: a password's Argon2id, a token's SHA-256, which is also its `_id`. What has expired is
refused here and swept by `sweep`. Indexes: username_key and email_key (unique), family and user of refresh tokens.
"""

from datetime import datetime

from schemas.people import RefreshToken, Ticket, User
from stores.documents import Database, from_document, to_document
from stores.errors import answering, in_time


class People:
    """The repository of people. Methods raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._users = database["users"]
        self._tokens = database["refresh_tokens"]
        self._tickets = database["tickets"]

    async def prepare(self) -> None:
        """Creates the indexes. Harmless when repeated."""
        async with in_time():
            await self._users.create_index("username_key", unique=True)
            await self._users.create_index("email_key", unique=True)
            await self._tokens.create_index("family_id")
            await self._tokens.create_index("expires_at")
            await self._tickets.create_index("expires_at")

    async def create(self, user: User) -> None:
        """Stores a new account. Raises Duplicate when its name or address is taken."""
        async with answering():
            await self._users.insert_one(to_document(user))

    async def find_by_name(self, username_key: str) -> User | None:
        """The account of that casefolded user name."""
        async with answering():
            found = await self._users.find_one({"username_key": username_key})
        return from_document(User, found) if found else None

    async def get(self, user_id: str) -> User | None:
        """The account of that id."""
        async with answering():
            found = await self._users.find_one({"_id": user_id})
        return from_document(User, found) if found else None

    async def add_refresh_token(self, token: RefreshToken) -> None:
        """Stores a new refresh token."""
        async with answering():
            await self._tokens.insert_one(to_document(token))

    async def use_refresh_token(self, token_hash: str, at: datetime) -> tuple[RefreshToken | None, bool]:
        """The token of that hash, and whether this call is the one that used it up: exactly one call ever is."""
        unused = {"_id": token_hash, "used_at": None, "revoked_at": None, "expires_at": {"$gt": at}}
        async with answering():
            used = await self._tokens.find_one_and_update(unused, {"$set": {"used_at": at}})
            found = used or await self._tokens.find_one({"_id": token_hash})
        return (from_document(RefreshToken, found) if found else None), used is not None

    async def revoke_family(self, family_id: str, at: datetime) -> None:
        """Revokes every refresh token that came from the same log-in. Harmless when repeated."""
        async with answering():
            await self._tokens.update_many({"family_id": family_id, "revoked_at": None}, {"$set": {"revoked_at": at}})

    async def add_ticket(self, ticket: Ticket) -> None:
        """Stores a new ticket."""
        async with answering():
            await self._tickets.insert_one(to_document(ticket))

    async def take_ticket(self, ticket_hash: str, at: datetime) -> Ticket | None:
        """The ticket of that hash, used up by this call; None where it is unknown, used or expired."""
        async with answering():
            found = await self._tickets.find_one_and_delete({"_id": ticket_hash, "expires_at": {"$gt": at}})
        return from_document(Ticket, found) if found else None

    async def sweep(self, at: datetime) -> None:
        """Forgets expired tokens and tickets. Harmless when repeated."""
        async with answering():
            await self._tokens.delete_many({"expires_at": {"$lte": at}})
            await self._tickets.delete_many({"expires_at": {"$lte": at}})
