"""The whole API in one table, from which registration, checks of access and bodies, and OpenAPI are made."""

from api.access import Access
from api.handlers import accounts, jobs, projects, recordings, service, uploads
from api.table import Route
from schemas.jobs import JobView
from schemas.requests import (
    Credentials,
    RecordingChange,
    RecordingQuery,
    Refresh,
    Registration,
    TranscriptQuery,
    UploadComplete,
    UploadRequest,
)
from schemas.responses import (
    Accepted,
    Health,
    Info,
    RecordingList,
    RecordingState,
    RecordingView,
    TicketView,
    Tokens,
    UploadAddress,
    UserView,
    VideoAccepted,
)
from schemas.transcripts import Transcript

_OPEN, _WATCHER = Access.OPEN, Access.WATCHER
_V1 = "/api/v1"
_RECORDING = f"{_V1}/recordings/{{id}}"
_JOB = f"{_V1}/jobs/{{id}}"
_MEDIA = ("video/mp4", "audio/mp4", "audio/wav", "image/jpeg", "application/octet-stream")
_TEXTS = ("text/plain", "application/x-subrip", "text/vtt")
_UPLOAD_PROBLEMS = ("too_large", "unsupported_media", "invalid_field")

# fmt: off
ROUTES: tuple[Route, ...] = (
    # accounts
    Route("POST", f"{_V1}/auth/register", accounts.register, "Create an account", _OPEN, Registration, UserView, 201,
          ("name_taken",)),
    Route("POST", "/api/token", accounts.log_in, "Log in", _OPEN, Credentials, Tokens, 200, ("wrong_credentials",)),
    Route("POST", "/api/token/refresh", accounts.refresh, "Exchange a refresh token", _OPEN, Refresh, Tokens, 200,
          ("token_invalid", "token_expired", "token_reused")),
    Route("POST", f"{_V1}/tickets", accounts.ticket, "Get a ticket for a websocket or event stream",
          gives=TicketView, status=201),
    # uploads
    Route("POST", f"{_V1}/recordings/request-upload", uploads.request_upload, "Ask for an address to upload to",
          takes=UploadRequest, gives=UploadAddress, status=201, problems=("too_large",)),
    Route("POST", f"{_RECORDING}/upload-complete", uploads.upload_complete, "Say that the upload is there",
          takes=UploadComplete, gives=Accepted, status=202,
          problems=("not_found", "object_missing", "size_mismatch", *_UPLOAD_PROBLEMS)),
    Route("POST", "/projects/{project_id}/videos", projects.upload_video, "Upload a video into a project",
          gives=VideoAccepted, status=202, problems=_UPLOAD_PROBLEMS, form=True),
    # recordings
    Route("GET", f"{_V1}/recordings", recordings.index, "List recordings, newest first",
          takes=RecordingQuery, gives=RecordingList, head=True),
    Route("GET", _RECORDING, recordings.detail, "A recording", gives=RecordingView, problems=("not_found",), head=True),
    Route("PATCH", _RECORDING, recordings.change, "Change a recording's title", takes=RecordingChange,
          gives=RecordingView, problems=("not_found",)),
    Route("DELETE", _RECORDING, recordings.delete, "Delete a recording", status=204, problems=("not_found",)),
    Route("GET", f"{_RECORDING}/status", recordings.state, "How far a recording is", gives=RecordingState,
          problems=("not_found",), head=True),
    Route("GET", f"{_RECORDING}/transcript", recordings.transcript, "The transcript, as data, text or subtitles",
          takes=TranscriptQuery, gives=Transcript, problems=("not_found", "not_ready"), media=_TEXTS, head=True),
    Route("GET", f"{_RECORDING}/renditions/{{kind}}", recordings.rendition, "A rendition's bytes (Range)",
          problems=("not_found", "not_ready", "range_not_satisfiable"), media=_MEDIA, head=True),
    Route("GET", f"{_RECORDING}/thumbnails/{{number}}", recordings.thumbnail, "A thumbnail",
          problems=("not_found", "range_not_satisfiable"), media=("image/jpeg",), head=True),
    # jobs
    Route("GET", _JOB, jobs.detail, "A job's state", gives=JobView, problems=("not_found",), head=True),
    Route("GET", f"{_JOB}/events", jobs.events, "A job's states as server-sent events", _WATCHER,
          problems=("not_found",), media=("text/event-stream",)),
    Route("GET", f"{_JOB}/ws", jobs.socket, "A job's states over a websocket", _WATCHER, status=101,
          problems=("not_found",)),
    Route("GET", "/api/stream/{id}", jobs.socket, "A job's states over a websocket", _WATCHER, status=101,
          problems=("not_found",), alias_of=f"{_JOB}/ws"),
    # the service
    Route("GET", "/health", service.health, "How the service and its parts are", _OPEN, gives=Health, head=True),
    Route("GET", "/health/live", service.live, "The process answers", _OPEN, gives=Health, head=True),
    Route("GET", "/health/ready", service.ready, "Whether work can be taken; 503 if not", _OPEN, gives=Health,
          head=True),
    Route("GET", "/info", service.info, "What this service is and accepts", _OPEN, gives=Info, head=True),
    Route("GET", "/metrics", service.metrics, "Metrics for Prometheus", _OPEN, media=("text/plain",)),
    Route("GET", "/openapi.json", service.openapi, "This description", _OPEN, media=("application/json",), head=True),
    Route("GET", "/docs", service.docs, "This description, to try things on", _OPEN, media=("text/html",), head=True),
    Route("GET", "/redoc", service.redoc, "This description, to read", _OPEN, media=("text/html",), head=True),
    Route("GET", "/docs/assets/{name}", service.asset, "A script or style of the pages", _OPEN,
          problems=("not_found",), media=("text/javascript", "text/css"), head=True),
)
# fmt: on
