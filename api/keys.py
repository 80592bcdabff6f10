"""What lives as long as the application, by typed key; and what lives as long as a request."""

from typing import Any

from aiohttp import web

from api.admission import Admission
from api.health import HealthCheck
from api.metrics import Metrics
from api.outside import Outside
from api.passwords import Passwords
from api.progress import Progress
from api.proof import Proof, Scopes
from api.rates import RateLimits
from api.rates import Standing as RateStanding
from api.receptions import Receptions
from api.reopening import Reopenings
from api.standing import Standing
from api.throttle import Throttle
from api.tokens import AccessTokens
from api.watchers import Places, Watchers
from schemas.settings import Settings
from stores.activity import Activity
from stores.analyses import AnalysesStore
from stores.api_keys import ApiKeys
from stores.audit import AuditLog
from stores.copies import Copies
from stores.dead_letters import DeadLetters
from stores.deletion import Deletion
from stores.documents import Database
from stores.erasure import Eraser, Erasures
from stores.folders import Folders
from stores.jobs import Jobs
from stores.lectures import Lectures
from stores.objects import Objects
from stores.outbox import Outbox
from stores.pages import Pages
from stores.parts import PartUploads
from stores.people import People
from stores.publisher import Publisher
from stores.recordings import Recordings
from stores.replay import Replay
from stores.resumable import Assembly
from stores.retention import Keeper, Rules
from stores.sessions import Sessions
from stores.transcripts import Transcripts
from stores.workers import Workers

SETTINGS = web.AppKey("settings", Settings)
DATABASE: web.AppKey[Database] = web.AppKey("database")
JOBS = web.AppKey("jobs", Jobs)
FOLDERS = web.AppKey("folders", Folders)
RECORDINGS = web.AppKey("recordings", Recordings)
LECTURES = web.AppKey("lectures", Lectures)
TRANSCRIPTS = web.AppKey("transcripts", Transcripts)
PAGES = web.AppKey("pages", Pages)
COPIES = web.AppKey("copies", Copies)
ANALYSES = web.AppKey("analyses", AnalysesStore)
ACTIVITY = web.AppKey("activity", Activity)
PEOPLE = web.AppKey("people", People)
SESSIONS = web.AppKey("sessions", Sessions)
API_KEYS = web.AppKey("api_keys", ApiKeys)
SCOPES = web.AppKey("scopes", Scopes)
"""What an API key can be made for, from the table of routes."""
AUDIT = web.AppKey("audit", AuditLog)
STANDING = web.AppKey("standing", Standing)
THROTTLE = web.AppKey("throttle", Throttle)
OUTSIDE: web.AppKey[Outside | None] = web.AppKey("outside")
"""The outside issuer; None where there is none."""
PARTS = web.AppKey("parts", PartUploads)
OBJECTS = web.AppKey("objects", Objects)
ASSEMBLY = web.AppKey("assembly", Assembly)
RECEPTIONS = web.AppKey("receptions", Receptions)
REOPENINGS = web.AppKey("reopenings", Reopenings)
PUBLISHER = web.AppKey("publisher", Publisher)
OUTBOX = web.AppKey("outbox", Outbox)
ERASER = web.AppKey("eraser", Eraser)
ERASURES = web.AppKey("erasures", Erasures)
DELETION = web.AppKey("deletion", Deletion)
RULES = web.AppKey("rules", Rules)
KEEPER = web.AppKey("keeper", Keeper)
ADMISSION = web.AppKey("admission", Admission)
PROGRESS = web.AppKey("progress", Progress)
LETTERS = web.AppKey("letters", DeadLetters)
REPLAY = web.AppKey("replay", Replay)
WORKERS = web.AppKey("workers", Workers)
HEALTH = web.AppKey("health", HealthCheck)
METRICS = web.AppKey("metrics", Metrics)
ACCESS_TOKENS = web.AppKey("access_tokens", AccessTokens)
PASSWORDS = web.AppKey("passwords", Passwords)
WATCHERS = web.AppKey("watchers", Watchers)
RECORDERS = web.AppKey("recorders", Places)
RATE_LIMITS = web.AppKey("rate_limits", RateLimits)
OPENAPI = web.AppKey("openapi", bytes)

REQUEST_ID = web.RequestKey("request_id", str)
PROOF = web.RequestKey("proof", Proof)
"""Who the caller is, and by what proof."""
CALLER = web.RequestKey("caller", str)
"""The id of the account that the request was made for."""
MEDIA = web.RequestKey("media", bool)
"""Whether the route answers with media, which pages of other origins may show."""
RATE_STANDING = web.RequestKey("rate_standing", RateStanding)
"""How the caller stands by the rate limit, for the answer's headers."""
DETAILS = web.RequestKey("details", dict[str, Any])
"""What the log says of an act besides what is on record of it."""
