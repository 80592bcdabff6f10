"""What a worker process holds open for all its stages: stores, publisher, outbox."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from schemas.settings import Settings
from stores.activity import Activity
from stores.analyses import AnalysesStore
from stores.copies import Copies
from stores.documents import Database, connect, disconnect
from stores.duties import Duties
from stores.folders import Folders
from stores.jobs import Jobs
from stores.objects import Objects
from stores.outbox import Outbox
from stores.pages import Pages
from stores.publisher import Publisher
from stores.recordings import Recordings
from stores.resumable import Arrivals
from stores.retention import Rules
from stores.transcripts import Transcripts
from stores.workers import Workers
from streams.leases import Leases


@dataclass(frozen=True)
class Resources:
    """The stores of one process, open."""

    settings: Settings
    jobs: Jobs
    recordings: Recordings
    transcripts: Transcripts
    pages: Pages
    copies: Copies
    analyses: AnalysesStore
    arrivals: Arrivals
    objects: Objects
    publisher: Publisher
    outbox: Outbox
    leases: Leases
    workers: Workers
    duties: Duties
    activity: Activity
    database: Database
    folders: Folders
    rules: Rules


@asynccontextmanager
async def open_resources(settings: Settings) -> AsyncIterator[Resources]:
    """Opens everything, and closes it in the opposite order. Does not wait for a store that is away."""
    async with AsyncExitStack() as stack:
        database = connect(settings)
        stack.callback(disconnect, database)
        objects = await stack.enter_async_context(Objects(settings))
        publisher = await stack.enter_async_context(Publisher(settings))
        jobs, recordings = Jobs(database), Recordings(database)
        outbox = await stack.enter_async_context(Outbox(jobs, recordings, publisher))
        yield Resources(
            settings=settings,
            jobs=jobs,
            recordings=recordings,
            transcripts=Transcripts(database),
            pages=Pages(database),
            copies=Copies(database),
            analyses=AnalysesStore(database),
            arrivals=Arrivals(database),
            objects=objects,
            publisher=publisher,
            outbox=outbox,
            leases=Leases(jobs, settings.lease_seconds),
            workers=Workers(database),
            duties=Duties(database),
            activity=Activity(database),
            database=database,
            folders=Folders(database),
            rules=Rules(database),
        )
