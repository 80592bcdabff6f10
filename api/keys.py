"""What lives as long as the application, by typed key; and what lives as long as a request."""

from aiohttp import web

from api.admission import Admission
from api.health import HealthCheck
from api.metrics import Metrics
from api.passwords import Passwords
from api.progress import Progress
from api.rates import RateLimits, Standing
from api.tokens import AccessTokens
from schemas.settings import Settings
from stores.activity import Activity
from stores.analyses import AnalysesStore
from stores.dead_letters import DeadLetters
from stores.deletion import Deletion
from stores.documents import Database
from stores.jobs import Jobs
from stores.objects import Objects
from stores.outbox import Outbox
from stores.people import People
from stores.publisher import Publisher
from stores.recordings import Recordings
from stores.replay import Replay
from stores.transcripts import Transcripts
from stores.workers import Workers

SETTINGS = web.AppKey("settings", Settings)
DATABASE: web.AppKey[Database] = web.AppKey("database")
JOBS = web.AppKey("jobs", Jobs)
RECORDINGS = web.AppKey("recordings", Recordings)
TRANSCRIPTS = web.AppKey("transcripts", Transcripts)
ANALYSES = web.AppKey("analyses", AnalysesStore)
ACTIVITY = web.AppKey("activity", Activity)
PEOPLE = web.AppKey("people", People)
OBJECTS = web.AppKey("objects", Objects)
PUBLISHER = web.AppKey("publisher", Publisher)
OUTBOX = web.AppKey("outbox", Outbox)
DELETION = web.AppKey("deletion", Deletion)
ADMISSION = web.AppKey("admission", Admission)
PROGRESS = web.AppKey("progress", Progress)
LETTERS = web.AppKey("letters", DeadLetters)
REPLAY = web.AppKey("replay", Replay)
WORKERS = web.AppKey("workers", Workers)
HEALTH = web.AppKey("health", HealthCheck)
METRICS = web.AppKey("metrics", Metrics)
ACCESS_TOKENS = web.AppKey("access_tokens", AccessTokens)
PASSWORDS = web.AppKey("passwords", Passwords)
RATE_LIMITS = web.AppKey("rate_limits", RateLimits)
OPENAPI = web.AppKey("openapi", bytes)

REQUEST_ID = web.RequestKey("request_id", str)
CALLER = web.RequestKey("caller", str)
"""The id of the account that the request was made for."""
RATE_STANDING = web.RequestKey("rate_standing", Standing)
"""How the caller stands by the rate limit, for the answer's headers."""
