"""Making the stores ready: topics, indexes, the bucket. Every process may do it; a repeat changes nothing."""

from schemas.settings import Settings
from stores.activity import Activity
from stores.api_keys import ApiKeys
from stores.attempts import Attempts
from stores.audit import AuditLog
from stores.documents import connect, disconnect
from stores.folders import Folders
from stores.jobs import Jobs
from stores.lectures import Lectures
from stores.objects import Objects
from stores.pages import Pages
from stores.people import People
from stores.recordings import Recordings
from stores.retention import Rules
from stores.sessions import Sessions
from stores.topics import prepare_topics
from stores.transcripts import Transcripts
from stores.uploads import Uploads

_OF_PEOPLE = (People, Sessions, ApiKeys, Attempts, AuditLog)


async def prepare(settings: Settings) -> None:
    """Creates what is missing in Kafka, MongoDB and the object store. Raises StoreUnavailable."""
    await prepare_topics(settings)
    database = connect(settings)
    try:
        for kind in (Jobs, Recordings, Folders, Rules, Uploads, Lectures, Transcripts, Pages, Activity, *_OF_PEOPLE):
            await kind(database).prepare()
    finally:
        disconnect(database)
    async with Objects(settings) as objects:
        await objects.prepare()
