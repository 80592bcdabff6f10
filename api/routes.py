"""The whole API in one table, from which registration, checks of access and bodies, and OpenAPI are made.

The addresses of the earlier systems are added by api/aliases.
"""

from api import tus as spoken
from api.access import Access
from api.aliases import with_aliases
from api.handlers import (
    account,
    activity,
    admin,
    api_keys,
    archive,
    content,
    courses,
    documents,
    erasure,
    jobs,
    lectures,
    live,
    process,
    projects,
    recordings,
    retention,
    service,
    sessions,
    tickets,
    tus,
    uploads,
    watching,
)
from api.table import Route
from schemas.account import (
    AccountChange,
    ApiKeyList,
    ApiKeyRequest,
    AuditQuery,
    EveryonesAuditQuery,
    NewApiKey,
    PasswordChange,
    UserView,
)
from schemas.activity import ActivityList, ActivityQuery, MonthUsage, Streak, UsageQuery
from schemas.analyses import ActionItem
from schemas.audit import AuditList
from schemas.contents import ContentList, ContentQuery
from schemas.corrections import ActionItemChange, TranscriptChange
from schemas.documents import DocumentAccepted, DocumentList, DocumentView, PageView
from schemas.erasure import ErasureRequest, ErasureView, Receipt
from schemas.folders import (
    FolderChange,
    FolderGone,
    FolderList,
    FolderNew,
    FolderQuery,
    FolderRemoval,
    FolderView,
)
from schemas.jobs import JobView
from schemas.lectures import (
    LectureAccepted,
    LectureList,
    LectureQuery,
    LectureRequest,
    LectureState,
    LectureView,
)
from schemas.letters import Letter, LetterList, Replayed
from schemas.live import LiveState, RecorderSays
from schemas.multipart import (
    MultipartAddress,
    MultipartComplete,
    MultipartRequest,
    PartAddresses,
    PartList,
    PartsWanted,
)
from schemas.rates import RateClass
from schemas.requests import (
    ArchiveQuery,
    Credentials,
    DocumentQuery,
    JobQuery,
    JobRequest,
    LetterQuery,
    ProjectJobQuery,
    RecordingChange,
    RecordingQuery,
    Refresh,
    Registration,
    TranscriptQuery,
    UploadComplete,
    UploadRequest,
    VideoQuery,
)
from schemas.responses import (
    Accepted,
    Health,
    Info,
    JobAccepted,
    JobList,
    RecordingList,
    RecordingState,
    RecordingView,
    SessionView,
    StorageFreed,
    StorageStats,
    TicketView,
    Tokens,
    UploadAddress,
    VideoAccepted,
    VideoList,
)
from schemas.retention import (
    HoldView,
    HoldWish,
    OperatorPreviewAsk,
    OperatorRuleNew,
    PreviewAsk,
    RetentionPreview,
    RuleList,
    RuleNew,
    RuleView,
)
from schemas.transcripts import Transcript
from schemas.watching import Asked, Told
from schemas.workers import StageList, StageResumed
from stores.signatures import CONTENT_TYPES as UPLOADED

_HEAVY, _FREE = RateClass.HEAVY, RateClass.FREE
_OPEN, _WATCHER, _PERSON, _ADMIN = Access.OPEN, Access.WATCHER, Access.PERSON, Access.ADMIN
_V1 = "/api/v1"
_SESSION = f"{_V1}/auth/session"
_UPLOADS, _UPLOAD = f"{_V1}/uploads", f"{_V1}/uploads/{{id}}"
_RECORDING = f"{_V1}/recordings/{{id}}"
_ACCOUNT, _API_KEYS = f"{_V1}/account", f"{_V1}/api-keys"
_JOBS, _JOB = f"{_V1}/jobs", f"{_V1}/jobs/{{id}}"
_LECTURE = f"{_V1}/lectures/{{id}}"
_PROJECT = f"{_V1}/projects/{{project_id}}"
_COURSE = f"{_V1}/courses/{{course_id}}"
_RULES, _EVERYBODYS = f"{_V1}/retention/rules", f"{_V1}/admin/retention/rules"
_COURSE_HOLD = f"{_V1}/admin/people/{{owner_id}}/courses/{{course_id}}/hold"
_FOLDER_PROBLEMS = ("id_taken", "too_many")
_REMOVAL_PROBLEMS = ("not_found", "not_empty", "on_hold")
_LETTERS = f"{_V1}/admin/dead-letters"
_VIDEO, _PROJECT_JOB = f"{_PROJECT}/videos/{{asset_id}}", f"{_PROJECT}/jobs/{{id}}"
_DOCUMENTS, _DOCUMENT = f"{_V1}/documents", f"{_V1}/documents/{{id}}"
_PRINTED = ("image/jpeg", "application/zip", "application/pdf")
_MEDIA = (
    *sorted({*UPLOADED, "video/mp4", "audio/mp4", "audio/wav"}),
    "image/jpeg",
    "application/zip",
    "application/json",
)
_TEXTS = ("text/plain", "application/x-subrip", "text/vtt")
_LOCATION = ("Location",)
_PARTS_BYTES = 2 * 1024 * 1024
"""Of JSON: 10,000 parts, each with the longest ETag that is taken."""
_UPLOAD_PROBLEMS = ("too_large", "unsupported_media", "invalid_field", "queue_full")
_WORK_PROBLEMS = ("not_found", "not_ready", "job_running", "too_many_jobs", "queue_full", "original_expired")
_RETRY_PROBLEMS = ("not_found", "job_running", "job_ended", "queue_full", "original_expired", "rendition_expired")
_RECEIVING_PROBLEMS = (
    "unsupported_version",
    "wrong_offset",
    "size_mismatch",
    "upload_locked",
    "checksum_mismatch",
    "request_timeout",
    *_UPLOAD_PROBLEMS,
)

# fmt: off
_OWN: tuple[Route, ...] = (
    # accounts, sessions, keys
    Route("POST", f"{_V1}/auth/register", account.register, "Create an account", _OPEN, Registration, UserView, 201,
          ("name_taken",)),
    Route("POST", f"{_V1}/auth/token", sessions.log_in, "Log in", _OPEN, Credentials, Tokens, 200,
          ("wrong_credentials", "too_many_attempts")),
    Route("POST", f"{_V1}/auth/token/refresh", sessions.refresh, "Exchange a refresh token", _OPEN, Refresh, Tokens,
          200, ("token_invalid", "token_expired", "token_reused")),
    Route("POST", _SESSION, sessions.sign_in, "Sign a browser in, by cookies", _OPEN, Credentials, SessionView, 201,
          ("wrong_credentials", "too_many_attempts", "origin_refused", "wrong_content_type")),
    Route("POST", f"{_SESSION}/refresh", sessions.renew, "Renew a browser's session", _OPEN, gives=SessionView,
          problems=("not_signed_in", "token_invalid", "token_expired", "token_reused", "origin_refused")),
    Route("DELETE", _SESSION, sessions.sign_out, "Sign a browser out", _OPEN, status=204, problems=("origin_refused",)),
    Route("POST", f"{_V1}/auth/logout", sessions.log_out, "Log out", _PERSON, status=204),
    Route("GET", _ACCOUNT, account.show, "The caller's account", _PERSON, gives=UserView, head=True),
    Route("PATCH", _ACCOUNT, account.change, "Change the account", _PERSON, AccountChange, UserView,
          problems=("name_taken",)),
    Route("POST", f"{_ACCOUNT}/password", account.change_password, "Change the password", _PERSON, PasswordChange,
          status=204, problems=("wrong_credentials", "no_password", "too_many_attempts")),
    Route("POST", f"{_ACCOUNT}/erasure", erasure.erase, "Erase the account with everything of it", _PERSON,
          ErasureRequest, ErasureView, 202, ("no_password", "too_many_attempts", "on_hold")),
    Route("POST", f"{_V1}/erasures", erasure.state, "How far an erasure is", _OPEN, Receipt, ErasureView, 200,
          ("not_found",)),
    Route("GET", f"{_ACCOUNT}/audit", account.audit, "What was done with the account, newest first", _PERSON,
          AuditQuery, AuditList, head=True),
    Route("GET", _API_KEYS, api_keys.index, "List API keys, newest first", _PERSON, gives=ApiKeyList, head=True),
    Route("POST", _API_KEYS, api_keys.create, "Make an API key", _PERSON, ApiKeyRequest, NewApiKey, 201,
          ("too_many_keys", "plan_needed")),
    Route("DELETE", f"{_API_KEYS}/{{id}}", api_keys.revoke, "Revoke an API key", _PERSON, status=204,
          problems=("not_found",)),
    Route("POST", f"{_V1}/tickets", tickets.ticket, "Get a ticket for a websocket or event stream",
          gives=TicketView, status=201),
    # activity
    Route("GET", f"{_V1}/account/activity", activity.index, "What happened in the account, newest first",
          takes=ActivityQuery, gives=ActivityList, head=True),
    Route("GET", f"{_V1}/account/streak", activity.streak, "Days in a row with activity", gives=Streak, head=True),
    Route("GET", f"{_V1}/account/usage", activity.usage, "What a month has used", takes=UsageQuery, gives=MonthUsage,
          head=True),
    Route("GET", f"{_V1}/account/archive", archive.archive, "Everything of the account as one download",
          _PERSON, ArchiveQuery, problems=("queue_full",), media=("application/zip",), rate=_HEAVY),
    # uploads
    Route("POST", f"{_V1}/recordings/request-upload", uploads.request_upload, "Ask for an address to upload to",
          takes=UploadRequest, gives=UploadAddress, status=201, problems=("too_large", "queue_full")),
    Route("POST", f"{_RECORDING}/upload-complete", uploads.upload_complete, "Say that the upload is there",
          takes=UploadComplete, gives=Accepted, status=202,
          problems=("not_found", "object_missing", "size_mismatch", *_UPLOAD_PROBLEMS)),
    Route("POST", f"{_V1}/process", process.process, "Upload a file and have material made of it", gives=Accepted,
          status=202, problems=_UPLOAD_PROBLEMS, form=True, form_fields=("material_types",)),
    Route("POST", f"{_V1}/recordings/request-multipart", uploads.request_multipart, "Begin an upload in parts",
          takes=MultipartRequest, gives=MultipartAddress, status=201, problems=("too_large", "queue_full")),
    Route("POST", f"{_RECORDING}/parts", uploads.sign_parts, "Ask for addresses of parts", takes=PartsWanted,
          gives=PartAddresses, problems=("not_found", "upload_ended")),
    Route("GET", f"{_RECORDING}/parts", uploads.list_parts, "List the parts that are there", gives=PartList,
          problems=("not_found", "upload_ended"), head=True),
    Route("POST", f"{_RECORDING}/multipart-complete", uploads.multipart_complete, "Say that all parts are there",
          takes=MultipartComplete, gives=Accepted, status=202,
          problems=("not_found", "upload_ended", "object_missing", "parts_mismatch", "size_mismatch",
                    *_UPLOAD_PROBLEMS), body_bytes=_PARTS_BYTES),
    Route("DELETE", f"{_RECORDING}/multipart", uploads.multipart_abort, "Throw an upload in parts away", status=204,
          problems=("not_found", "upload_ended", "on_hold")),
    # resumable uploads
    Route("OPTIONS", _UPLOADS, tus.discover, "What of tus is spoken here", _OPEN, status=204, rate=_FREE,
          headers=spoken.SPOKEN),
    Route("POST", _UPLOADS, tus.create, "Begin a resumable upload", status=201, problems=_RECEIVING_PROBLEMS,
          asks=spoken.BEGINS, headers=(*_LOCATION, *spoken.WENT_ON)),
    Route("HEAD", _UPLOAD, tus.state, "How far a resumable upload has come",
          problems=("not_found", "upload_gone", *_RECEIVING_PROBLEMS), asks=spoken.ASKS, headers=spoken.STATE),
    Route("PATCH", _UPLOAD, tus.receive, "Go on with a resumable upload", status=204,
          problems=("not_found", "upload_gone", "wrong_content_type", *_RECEIVING_PROBLEMS), asks=spoken.GOES_ON,
          headers=spoken.WENT_ON),
    Route("POST", _UPLOAD, tus.override, "Another method, for clients that can only POST", status=204,
          problems=("not_found", "upload_gone", "wrong_content_type", "method_not_allowed", *_RECEIVING_PROBLEMS),
          asks=(spoken.METHOD, *spoken.GOES_ON), headers=spoken.STATE),
    Route("DELETE", _UPLOAD, tus.terminate, "Give a resumable upload up", status=204,
          problems=("not_found", "upload_gone", "unsupported_version", "on_hold"), asks=spoken.ASKS,
          headers=spoken.ASKS),
    Route("GET", f"{_V1}/recordings/live", live.record, "Send a recording while it is made, over a websocket", _WATCHER,
          status=101, sends=LiveState, hears=RecorderSays, rate=RateClass.UPLOAD, writes=True),
    # projects
    Route("POST", f"{_PROJECT}/videos", projects.upload_video, "Upload a video into a project",
          gives=VideoAccepted, status=202, problems=_UPLOAD_PROBLEMS, form=True),
    Route("GET", f"{_PROJECT}/videos", projects.videos, "List a project's recordings, newest first",
          takes=VideoQuery, gives=VideoList, head=True),
    Route("GET", _VIDEO, recordings.detail, "A recording", gives=RecordingView, problems=("not_found",), head=True,
          alias_of=_RECORDING),
    Route("DELETE", _VIDEO, recordings.delete, "Delete a recording", status=204,
          problems=("not_found", "on_hold"), alias_of=_RECORDING),
    Route("DELETE", f"{_PROJECT}/storage", projects.clear, "Delete all that a project holds", gives=StorageFreed,
          problems=("invalid_field", "on_hold"), rate=_HEAVY),
    Route("GET", f"{_PROJECT}/storage/stats", projects.stats, "What a project takes up", gives=StorageStats,
          problems=("invalid_field",), head=True, rate=_HEAVY),
    Route("GET", f"{_V1}/storage/stats", projects.total_stats, "What everything of the caller takes up",
          gives=StorageStats, head=True, rate=_HEAVY),
    Route("GET", f"{_V1}/projects", projects.index, "List projects, newest first", takes=FolderQuery, gives=FolderList,
          head=True),
    Route("POST", f"{_V1}/projects", projects.create, "Make a project", takes=FolderNew, gives=FolderView, status=201,
          problems=_FOLDER_PROBLEMS),
    Route("GET", _PROJECT, projects.detail, "A project", gives=FolderView, problems=("not_found", "invalid_field"),
          head=True),
    Route("PATCH", _PROJECT, projects.change, "Change a project", takes=FolderChange, gives=FolderView,
          problems=("not_found",)),
    Route("DELETE", _PROJECT, projects.remove, "Delete a project", takes=FolderRemoval, gives=FolderGone,
          problems=_REMOVAL_PROBLEMS),
    # courses
    Route("GET", f"{_V1}/courses", courses.index, "List courses, newest first", takes=FolderQuery, gives=FolderList,
          head=True),
    Route("POST", f"{_V1}/courses", courses.create, "Make a course", takes=FolderNew, gives=FolderView, status=201,
          problems=_FOLDER_PROBLEMS),
    Route("GET", _COURSE, courses.detail, "A course", gives=FolderView, problems=("not_found",), head=True),
    Route("PATCH", _COURSE, courses.change, "Change a course", takes=FolderChange, gives=FolderView,
          problems=("not_found",)),
    Route("DELETE", _COURSE, courses.remove, "Delete a course", takes=FolderRemoval, gives=FolderGone,
          problems=_REMOVAL_PROBLEMS),
    Route("GET", f"{_V1}/content", content.index, "List what was generated, newest first", takes=ContentQuery,
          gives=ContentList, head=True),
    # recordings
    Route("GET", f"{_V1}/recordings", recordings.index, "List recordings, newest first",
          takes=RecordingQuery, gives=RecordingList, head=True),
    Route("GET", _RECORDING, recordings.detail, "A recording", gives=RecordingView, problems=("not_found",), head=True),
    Route("PATCH", _RECORDING, recordings.change, "Change a recording, or file it elsewhere", takes=RecordingChange,
          gives=RecordingView, problems=("not_found", "on_hold")),
    Route("DELETE", _RECORDING, recordings.delete, "Delete a recording", status=204,
          problems=("not_found", "on_hold")),
    Route("GET", f"{_RECORDING}/status", recordings.state, "How far a recording is", gives=RecordingState,
          problems=("not_found",), head=True),
    Route("GET", f"{_RECORDING}/transcript", recordings.transcript, "The transcript, as data, text or subtitles",
          takes=TranscriptQuery, gives=Transcript, problems=("not_found", "not_ready"), media=_TEXTS, head=True),
    Route("PATCH", f"{_RECORDING}/transcript", recordings.correct, "Name speakers, and put segments right",
          takes=TranscriptChange, gives=Transcript, problems=("not_found", "not_ready", "too_many_corrections")),
    Route("PATCH", f"{_RECORDING}/action-items/{{number}}", recordings.check, "Check an action item off",
          takes=ActionItemChange, gives=ActionItem, problems=("not_found",)),
    Route("GET", f"{_RECORDING}/renditions/{{kind}}", recordings.rendition, "A rendition's bytes (Range)",
          problems=("not_found", "not_ready", "original_expired", "rendition_expired", "range_not_satisfiable"),
          media=_MEDIA, head=True),
    Route("GET", f"{_RECORDING}/thumbnails/{{number}}", recordings.thumbnail, "A thumbnail",
          problems=("not_found", "range_not_satisfiable"), media=("image/jpeg",), head=True),
    # lectures
    Route("POST", f"{_V1}/lectures/download", lectures.download, "Have a lecture downloaded", takes=LectureRequest,
          gives=LectureAccepted, status=202, problems=("queue_full",), rate=_HEAVY),
    Route("GET", f"{_V1}/lectures", lectures.index, "List the caller's lectures, newest first", takes=LectureQuery,
          gives=LectureList, head=True),
    Route("GET", _LECTURE, lectures.detail, "A lecture", gives=LectureView, problems=("not_found",), head=True),
    Route("GET", f"{_LECTURE}/status", lectures.state, "How far a lecture is", gives=LectureState,
          problems=("not_found",), head=True),
    Route("DELETE", _LECTURE, lectures.delete, "Let go of a lecture", status=204,
          problems=("not_found", "on_hold")),
    Route("GET", f"{_V1}/dev/lectures", lectures.development, "List the caller's lectures, for development",
          takes=LectureQuery, gives=LectureList, problems=("not_found",), head=True),
    # documents
    Route("POST", f"{_DOCUMENTS}/upload", documents.upload, "Send a document", gives=DocumentAccepted, status=202,
          problems=_UPLOAD_PROBLEMS, form=True, form_fields=("course_id",)),
    Route("GET", _DOCUMENTS, documents.index, "List documents, newest first", takes=DocumentQuery, gives=DocumentList,
          head=True),
    Route("GET", _DOCUMENT, documents.detail, "A document", gives=DocumentView, problems=("not_found",), head=True),
    Route("DELETE", _DOCUMENT, documents.delete, "Delete a document", status=204,
          problems=("not_found", "on_hold")),
    Route("GET", f"{_DOCUMENT}/file", documents.file, "A document's bytes (Range)",
          problems=("not_found", "not_ready", "original_expired", "range_not_satisfiable"), media=("application/pdf",),
          head=True),
    Route("GET", f"{_DOCUMENT}/renditions/{{kind}}", documents.rendition, "What was made of a document (Range)",
          problems=("not_found", "not_ready", "original_expired", "rendition_expired", "range_not_satisfiable"),
          media=_PRINTED, head=True),
    Route("GET", f"{_DOCUMENT}/pages/{{number}}", documents.page, "A page's text", gives=PageView,
          problems=("not_found", "not_ready"), head=True),
    Route("GET", f"{_DOCUMENT}/pages/{{number}}/image", documents.image, "A page's picture",
          problems=("not_found", "not_ready", "range_not_satisfiable"), media=("image/jpeg",), head=True),
    # jobs
    Route("POST", _JOBS, jobs.create, "Ask for work on a recording", takes=JobRequest, gives=JobAccepted, status=202,
          headers=_LOCATION, problems=_WORK_PROBLEMS, rate=_HEAVY),
    Route("POST", f"{_PROJECT}/jobs", jobs.create, "Ask for work on a project's recording", takes=JobRequest,
          gives=JobAccepted, status=202, headers=_LOCATION, problems=_WORK_PROBLEMS, alias_of=_JOBS, rate=_HEAVY),
    Route("GET", _JOBS, jobs.index, "List jobs, newest first", takes=JobQuery, gives=JobList, head=True),
    Route("GET", f"{_PROJECT}/jobs", jobs.of_project, "List a project's jobs, newest first", takes=ProjectJobQuery,
          gives=JobList, head=True),
    Route("POST", f"{_JOB}/cancel", jobs.cancel, "Cancel a job", gives=JobView, problems=("not_found", "job_ended")),
    Route("POST", f"{_PROJECT_JOB}/cancel", jobs.cancel, "Cancel a job", gives=JobView,
          problems=("not_found", "job_ended"), alias_of=f"{_JOB}/cancel"),
    Route("POST", f"{_JOB}/retry", jobs.retry, "Set a failed or cancelled job going again", gives=JobAccepted,
          status=202, headers=_LOCATION, problems=_RETRY_PROBLEMS, rate=_HEAVY),
    Route("POST", f"{_PROJECT_JOB}/retry", jobs.retry, "Set a failed or cancelled job going again", gives=JobAccepted,
          status=202, headers=_LOCATION, problems=_RETRY_PROBLEMS, alias_of=f"{_JOB}/retry", rate=_HEAVY),
    Route("GET", _PROJECT_JOB, jobs.detail, "A job's state", gives=JobView, problems=("not_found",), head=True,
          alias_of=_JOB),
    Route("GET", f"{_PROJECT_JOB}/events", watching.events, "A job's states as server-sent events", _WATCHER,
          problems=("not_found",), media=("text/event-stream",), sends=JobView, alias_of=f"{_JOB}/events"),
    Route("GET", f"{_PROJECT_JOB}/ws", watching.socket, "A job's states over a websocket", _WATCHER, status=101,
          problems=("not_found",), sends=JobView, alias_of=f"{_JOB}/ws"),
    Route("GET", f"{_JOBS}/ws", watching.sockets, "The states of many jobs over one websocket", _WATCHER, status=101,
          sends=Told, hears=Asked),
    Route("GET", _JOB, jobs.detail, "A job's state", gives=JobView, problems=("not_found",), head=True),
    Route("GET", f"{_JOB}/events", watching.events, "A job's states as server-sent events", _WATCHER,
          problems=("not_found",), media=("text/event-stream",), sends=JobView),
    Route("GET", f"{_JOB}/ws", watching.socket, "A job's states over a websocket", _WATCHER, status=101,
          problems=("not_found",), sends=JobView),
    # retention
    Route("GET", _RULES, retention.rules, "List the rules that hold for the caller", gives=RuleList, head=True),
    Route("POST", _RULES, retention.add_rule, "Make a rule", takes=RuleNew, gives=RuleView, status=201,
          problems=("too_many",)),
    Route("DELETE", f"{_RULES}/{{id}}", retention.remove_rule, "Forget a rule", status=204, problems=("not_found",)),
    Route("POST", f"{_V1}/retention/preview", retention.preview, "What would go at this moment", takes=PreviewAsk,
          gives=RetentionPreview, rate=_HEAVY),
    Route("GET", _EVERYBODYS, retention.everybodys_rules, "List the rules for everybody", _ADMIN, gives=RuleList,
          head=True),
    Route("POST", _EVERYBODYS, retention.add_everybodys_rule, "Make a rule for everybody", _ADMIN, OperatorRuleNew,
          RuleView, 201, ("too_many",)),
    Route("DELETE", f"{_EVERYBODYS}/{{id}}", retention.remove_everybodys_rule, "Forget a rule for everybody", _ADMIN,
          status=204, problems=("not_found",)),
    Route("POST", f"{_V1}/admin/retention/preview", retention.everybodys_preview, "What would go of everybody's",
          _ADMIN, OperatorPreviewAsk, RetentionPreview, rate=_HEAVY),
    Route("PUT", f"{_V1}/admin/recordings/{{id}}/hold", retention.hold_recording, "Put a recording on hold", _ADMIN,
          HoldWish, HoldView, problems=("not_found",)),
    Route("DELETE", f"{_V1}/admin/recordings/{{id}}/hold", retention.release_recording, "Lift a recording's hold",
          _ADMIN, status=204, problems=("not_found",)),
    Route("PUT", _COURSE_HOLD, retention.hold_course, "Put a course or project on hold", _ADMIN, HoldWish, HoldView,
          problems=("not_found",)),
    Route("DELETE", _COURSE_HOLD, retention.release_course, "Lift a course's or project's hold", _ADMIN, status=204,
          problems=("not_found",)),
    # administration
    Route("GET", _LETTERS, admin.letters, "List dead letters, newest first", _ADMIN, LetterQuery, LetterList,
          head=True),
    Route("GET", f"{_LETTERS}/{{number}}", admin.letter, "A dead letter", _ADMIN, gives=Letter, problems=("not_found",),
          head=True),
    Route("POST", f"{_LETTERS}/{{number}}/replay", admin.replay, "Replay a dead letter", _ADMIN, gives=Replayed,
          status=202, problems=("not_found", "not_replayable", "original_cut")),
    Route("GET", f"{_V1}/admin/stages", admin.stages, "Every stage with its workers", _ADMIN, gives=StageList,
          head=True),
    Route("POST", f"{_V1}/admin/stages/{{stage}}/resume", admin.resume, "Tell a stopped stage to go on", _ADMIN,
          gives=StageResumed, status=202, problems=("not_found",)),
    Route("GET", f"{_V1}/admin/audit", admin.audit, "What everybody did, newest first", _ADMIN, EveryonesAuditQuery,
          AuditList, head=True),
    # the service
    Route("GET", "/health", service.health, "How the service and its parts are", _OPEN, gives=Health, head=True,
          rate=_FREE),
    Route("GET", "/health/live", service.live, "The process answers", _OPEN, gives=Health, head=True, rate=_FREE),
    Route("GET", "/health/ready", service.ready, "Whether work can be taken; 503 if not", _OPEN, gives=Health,
          head=True, rate=_FREE),
    Route("GET", "/info", service.info, "What this service is and accepts", _OPEN, gives=Info, head=True),
    Route("GET", "/metrics", service.metrics, "Metrics for Prometheus", _OPEN, problems=("forbidden",),
          media=("text/plain",), rate=_FREE),
    Route("GET", "/openapi.json", service.openapi, "This description", _OPEN, media=("application/json",), head=True),
    Route("GET", "/docs", service.docs, "This description, to try things on", _OPEN, media=("text/html",), head=True),
    Route("GET", "/redoc", service.redoc, "This description, to read", _OPEN, media=("text/html",), head=True),
    Route("GET", "/docs/assets/{name}", service.asset, "A script or style of the pages", _OPEN,
          problems=("not_found",), media=("text/javascript", "text/css"), head=True, rate=_FREE),
)
# fmt: on
ROUTES = with_aliases(_OWN)
