"""The one place that wires the application: what lives as long as it does, in the order in which it is opened."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import structlog
from aiohttp import web

from api import keys, recorders
from api.admission import Admission
from api.beginning import Beginnings
from api.binding import bind
from api.framing import framed
from api.health import HealthCheck
from api.metrics import Metrics
from api.observing import observed
from api.openapi import describe
from api.origins import finish, preflighted
from api.outside import Outside
from api.passwords import Passwords
from api.problems import explained
from api.progress import Progress
from api.rates import RateLimits
from api.receptions import Receptions
from api.reopening import Reopenings
from api.routes import ROUTES
from api.scopes import scopes_of
from api.site import PAGES
from api.standing import Standing
from api.table import BODY_BYTES
from api.throttle import Throttle
from api.tokens import AccessTokens
from api.tus import speak
from api.watchers import Watchers
from schemas.settings import Settings
from schemas.time import now
from stores.accounts import eraser_of
from stores.activity import Activity
from stores.analyses import AnalysesStore
from stores.api_keys import ApiKeys
from stores.attempts import Attempts
from stores.audit import AuditLog
from stores.copies import Copies
from stores.dead_letters import DeadLetters
from stores.deletion import Deletion
from stores.documents import connect, disconnect
from stores.erasure import Erasures
from stores.errors import StoreUnavailable
from stores.folders import Folders
from stores.jobs import Jobs
from stores.lectures import Lectures
from stores.objects import Objects
from stores.outbox import Outbox
from stores.pages import Pages
from stores.parts import PartUploads
from stores.people import People
from stores.prepare import prepare
from stores.publisher import Publisher
from stores.rates import RateCounts
from stores.recordings import Recordings
from stores.replay import Replay
from stores.resumable import Arrivals, Assembly
from stores.retention import Keeper, Rules
from stores.sessions import Sessions
from stores.transcripts import Transcripts
from stores.uploads import Uploads
from stores.workers import Workers

log = structlog.get_logger(__name__)

_PREPARE_AGAIN_SECONDS = 2.0
_SWEEP_SECONDS = 600.0


def make_app(settings: Settings) -> web.Application:
    """The application. It starts whether the stores are there or not; `/health/ready` tells when they are."""
    app = web.Application(middlewares=[observed, preflighted, explained, framed], client_max_size=BODY_BYTES)
    app[keys.SETTINGS] = settings
    app[keys.METRICS] = Metrics()
    app[keys.WATCHERS] = Watchers(settings)
    app[keys.RECORDERS] = recorders.places()
    app[keys.ACCESS_TOKENS] = AccessTokens(settings)
    app[keys.SCOPES] = scopes_of(ROUTES)
    app[keys.OPENAPI] = describe(ROUTES)
    bind(app, (*ROUTES, *PAGES))
    app.on_response_prepare.append(finish)
    app.on_response_prepare.append(speak)
    app.on_shutdown.append(_send_watchers_away)
    app.cleanup_ctx.extend((_passwords, _documents, _objects, _resumable, _publisher, _outbox, _letters, _deletion))
    app.cleanup_ctx.extend((_reopening, _admission, _outside, _rates, _progress, _health, _preparing, _sweeping))
    return app


async def _send_watchers_away(app: web.Application) -> None:
    app[keys.PROGRESS].close()


async def _passwords(app: web.Application) -> AsyncIterator[None]:
    app[keys.PASSWORDS] = Passwords()
    yield
    app[keys.PASSWORDS].close()


async def _documents(app: web.Application) -> AsyncIterator[None]:
    database = connect(app[keys.SETTINGS])
    app[keys.DATABASE] = database
    app[keys.JOBS] = Jobs(database)
    app[keys.FOLDERS] = Folders(database)
    app[keys.RECORDINGS] = Recordings(database)
    app[keys.LECTURES] = Lectures(database)
    app[keys.TRANSCRIPTS] = Transcripts(database)
    app[keys.PAGES] = Pages(database)
    app[keys.COPIES] = Copies(database)
    app[keys.ANALYSES] = AnalysesStore(database)
    app[keys.ACTIVITY] = Activity(database)
    app[keys.PEOPLE] = People(database)
    app[keys.SESSIONS] = Sessions(database)
    app[keys.API_KEYS] = ApiKeys(database)
    app[keys.AUDIT] = AuditLog(database)
    app[keys.STANDING] = Standing(app[keys.PEOPLE], app[keys.SESSIONS])
    app[keys.THROTTLE] = Throttle(Attempts(database))
    app[keys.WORKERS] = Workers(database)
    yield
    disconnect(database)


async def _outside(app: web.Application) -> AsyncIterator[None]:
    outside = Outside(app[keys.SETTINGS], app[keys.PEOPLE]) if app[keys.SETTINGS].oidc_issuer else None
    app[keys.OUTSIDE] = outside
    yield
    if outside is not None:
        await outside.close()


async def _objects(app: web.Application) -> AsyncIterator[None]:
    async with Objects(app[keys.SETTINGS]) as objects:
        app[keys.OBJECTS] = objects
        app[keys.PARTS] = PartUploads(objects)
        yield


async def _resumable(app: web.Application) -> AsyncIterator[None]:
    assembly = Assembly(app[keys.OBJECTS], Arrivals(app[keys.DATABASE]))
    app[keys.ASSEMBLY] = assembly
    begin = Beginnings(app).begin
    app[keys.RECEPTIONS] = Receptions(assembly, app[keys.SETTINGS], app[keys.METRICS], begin)
    yield
    await assembly.close()


async def _publisher(app: web.Application) -> AsyncIterator[None]:
    async with Publisher(app[keys.SETTINGS]) as publisher:
        app[keys.PUBLISHER] = publisher
        yield


async def _outbox(app: web.Application) -> AsyncIterator[None]:
    async with Outbox(app[keys.JOBS], app[keys.RECORDINGS], app[keys.PUBLISHER]) as outbox:
        app[keys.OUTBOX] = outbox
        yield


async def _deletion(app: web.Application) -> AsyncIterator[None]:
    app[keys.DELETION] = Deletion(
        jobs=app[keys.JOBS],
        recordings=app[keys.RECORDINGS],
        transcripts=app[keys.TRANSCRIPTS],
        pages=app[keys.PAGES],
        copies=app[keys.COPIES],
        analyses=app[keys.ANALYSES],
        arrivals=app[keys.ASSEMBLY].arrivals,
        objects=app[keys.OBJECTS],
        outbox=app[keys.OUTBOX],
        publisher=app[keys.PUBLISHER],
        folders=app[keys.FOLDERS],
    )
    app[keys.ERASURES] = Erasures(app[keys.DATABASE])
    app[keys.ERASER] = eraser_of(app[keys.DATABASE], app[keys.DELETION])
    app[keys.RULES] = Rules(app[keys.DATABASE])
    app[keys.KEEPER] = Keeper(app[keys.DELETION], app[keys.RULES])
    yield


async def _reopening(app: web.Application) -> AsyncIterator[None]:
    seconds, begin = app[keys.RECEPTIONS].expiry_seconds, Beginnings(app).begin_again
    reopenings = Reopenings(app[keys.DELETION], app[keys.ASSEMBLY], seconds, begin)
    app[keys.REOPENINGS] = reopenings
    yield
    await reopenings.close()


async def _admission(app: web.Application) -> AsyncIterator[None]:
    uploads = Uploads(app[keys.DATABASE])
    app[keys.ADMISSION] = Admission(app[keys.SETTINGS], app[keys.JOBS].open_by_owner, uploads.awaited_by_owner)
    yield
    await app[keys.ADMISSION].close()


async def _letters(app: web.Application) -> AsyncIterator[None]:
    letters = DeadLetters(app[keys.SETTINGS])
    app[keys.LETTERS] = letters
    app[keys.REPLAY] = Replay(letters, app[keys.JOBS], app[keys.OUTBOX], app[keys.PUBLISHER])
    yield


async def _rates(app: web.Application) -> AsyncIterator[None]:
    async with RateLimits(app[keys.SETTINGS].rates, RateCounts(app[keys.DATABASE])) as limits:
        app[keys.RATE_LIMITS] = limits
        yield


async def _progress(app: web.Application) -> AsyncIterator[None]:
    async with Progress(app[keys.SETTINGS], app[keys.JOBS], app[keys.METRICS]) as progress:
        app[keys.PROGRESS] = progress
        yield


async def _health(app: web.Application) -> AsyncIterator[None]:
    app[keys.HEALTH] = HealthCheck(app[keys.SETTINGS], app[keys.DATABASE], app[keys.OBJECTS])
    yield
    await app[keys.HEALTH].close()


async def _preparing(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(_prepare(app[keys.SETTINGS]))
    yield
    task.cancel()
    await asyncio.wait([task])


async def _prepare(settings: Settings) -> None:
    """Makes topics, indexes and the bucket; again and again until it succeeds."""
    while True:
        try:
            await prepare(settings)
        except StoreUnavailable as error:
            log.warning("the stores cannot be prepared yet", reason=str(error))
            await asyncio.sleep(_PREPARE_AGAIN_SECONDS)
        else:
            log.info("the stores are prepared")
            return


async def _sweeping(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(_sweep(app))
    yield
    task.cancel()
    await asyncio.wait([task])


async def _sweep(app: web.Application) -> None:
    """Forgets what has expired, now and then; it is refused whether forgotten or not."""
    while True:
        await asyncio.sleep(_SWEEP_SECONDS)
        try:
            await app[keys.PEOPLE].sweep(now())
            await app[keys.SESSIONS].sweep(now())
            await app[keys.THROTTLE].sweep()
            await app[keys.AUDIT].sweep(now() - timedelta(days=app[keys.SETTINGS].audit_days))
        except StoreUnavailable as error:
            log.warning("what has expired is left for the next time", reason=str(error))
