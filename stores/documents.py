"""The connection to MongoDB, and how a document of the contract is laid out there.

A document's `id` is its `_id`; moments are BSON dates (milliseconds, UTC); everything else is as in the schema.
A server that is away is an error, not a wait: every operation has a deadline (stores/errors.answering), and what is
outside of one the limits here. They hold for the few threads in which the driver's calls run as well: a thread that
waited on in a dead connection would keep the calls of later from a server that is back.
"""

from typing import Any, TypeVar

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase

from schemas.model import Document
from schemas.settings import Settings
from stores.errors import ANSWER_SECONDS

D = TypeVar("D", bound=Document)

Database = AsyncIOMotorDatabase[dict[str, Any]]
_ANSWER_MS = round(ANSWER_SECONDS * 1000)
_CONNECTIONS = 32


def connect(settings: Settings) -> Database:
    """The database of the settings. Does not block: the first operation connects. Close with `disconnect`."""
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(
        settings.mongodb_url.get_secret_value(),
        tz_aware=True,
        maxPoolSize=_CONNECTIONS,
        serverSelectionTimeoutMS=_ANSWER_MS,
        connectTimeoutMS=_ANSWER_MS,
        socketTimeoutMS=_ANSWER_MS,
        waitQueueTimeoutMS=_ANSWER_MS,
        appname="tidemark",
    )
    return client[settings.mongodb_database]


def disconnect(database: Database) -> None:
    """Closes the connection that the database came from."""
    database.client.close()


def to_document(model: Document) -> dict[str, Any]:
    """The BSON form of a model."""
    fields = model.model_dump()
    fields["_id"] = fields.pop("id")
    return fields


def from_document(kind: type[D], fields: dict[str, Any]) -> D:
    """The model of a BSON document."""
    return kind.model_validate({"id": fields["_id"], **fields})
