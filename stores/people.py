"""Accounts, outside identities and tickets in MongoDB: collections `users`, `identities`, `tickets`, and
`erased_identities`: of a closed account's identities the fingerprint and the moment, for a day, since tokens of before
may be good for that long.

Secrets are kept as hashes: a password's Argon2id, a ticket's SHA-256, which is also its `_id`. An identity's `_id` is
the fingerprint of its issuer and subject. What has expired is refused here and swept by `sweep`. Indexes: username_key
and email_key (unique).
"""

import contextlib
from datetime import datetime, timedelta
from typing import Any

from schemas.people import Identity, Ticket, User
from schemas.time import now
from stores.documents import Database, from_document, to_document
from stores.errors import Duplicate, answering, in_time

_ERASED = timedelta(days=1)


class People:
    """The repository of people. Methods raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._users = database["users"]
        self._identities = database["identities"]
        self._erased = database["erased_identities"]
        self._tickets = database["tickets"]

    async def prepare(self) -> None:
        """Creates the indexes. Harmless when repeated."""
        async with in_time():
            await self._users.create_index("username_key", unique=True)
            await self._users.create_index("email_key", unique=True)
            await self._erased.create_index("at")
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

    async def change(self, user_id: str, fields: dict[str, Any]) -> User | None:
        """Sets fields of the account, and the account as it is then. Raises Duplicate when a name is taken."""
        async with answering():
            await self._users.update_one({"_id": user_id}, {"$set": fields})
        return await self.get(user_id)

    async def change_password(self, user: User, password_hash: str) -> int | None:
        """Sets the password in the place of the one that `user` was read with, and ends all sessions so far.

        The generation that sessions must have from now on; None where the password is another one by now.
        """
        fields = {"password_hash": password_hash, "generation": user.generation + 1}
        read = {"_id": user.id, "password_hash": user.password_hash}
        async with answering():
            changed = await self._users.update_one(read, {"$set": fields})
        return user.generation + 1 if changed.matched_count else None

    async def identity(self, identity_id: str) -> Identity | None:
        """The outside identity of that fingerprint."""
        async with answering():
            found = await self._identities.find_one({"_id": identity_id})
        return from_document(Identity, found) if found else None

    async def meet(self, identity: Identity, user: User) -> Identity:
        """Makes the identity's account where it is missing; of several at once all get the one that there is.

        The identity is first, and names its account: what breaks off in between is made good by the next call.
        """
        with contextlib.suppress(Duplicate):
            async with answering():
                await self._identities.insert_one(to_document(identity))
        known = await self.identity(identity.id) or identity
        own = user.model_copy(update=_reserving_nothing(known.user_id))
        with contextlib.suppress(Duplicate):
            await self.create(own)
        return known

    async def close(self, user_id: str) -> None:
        """Removes the account, and what lets anybody in with it. Harmless when repeated.

        The outside identities go first: each makes its account anew where it is missing. When they went is kept.
        """
        async with answering():
            for found in [fields["_id"] async for fields in self._identities.find({"user_id": user_id}, {"_id": 1})]:
                await self._erased.update_one({"_id": found}, {"$set": {"at": now()}}, upsert=True)
            await self._identities.delete_many({"user_id": user_id})
            await self._tickets.delete_many({"user_id": user_id})
            await self._users.delete_one({"_id": user_id})

    async def erased_at(self, identity_id: str) -> datetime | None:
        """When the account of that identity was closed, within the last day; None where there was none."""
        async with answering():
            found = await self._erased.find_one({"_id": identity_id})
        return found["at"] if found else None

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
        """Forgets expired tickets, and the identities of accounts that went a day ago. Harmless when repeated."""
        async with answering():
            await self._erased.delete_many({"at": {"$lte": at - _ERASED}})
            await self._tickets.delete_many({"expires_at": {"$lte": at}})


def _reserving_nothing(user_id: str) -> dict[str, str]:
    """The id and keys of an account that has taken no name: no name or address can be like that."""
    return {"id": user_id, "username_key": f"id:{user_id}", "email_key": f"id:{user_id}"}
