"""An example of each body, for the description. A test reads every one back through its model."""

from typing import Any

from pydantic import BaseModel

from schemas.account import (
    AccountChange,
    ApiKeyList,
    ApiKeyRequest,
    NewApiKey,
    PasswordChange,
    UserView,
)
from schemas.activity import ActivityList, MonthUsage, Streak
from schemas.analyses import ActionItem
from schemas.audit import AuditList
from schemas.contents import ContentList
from schemas.corrections import ActionItemChange, TranscriptChange
from schemas.documents import DocumentAccepted, DocumentList, DocumentView, PageView
from schemas.erasure import ErasureRequest, ErasureView, Receipt
from schemas.folders import FolderChange, FolderGone, FolderList, FolderNew, FolderView
from schemas.jobs import JobView
from schemas.lectures import LectureAccepted, LectureList, LectureRequest, LectureState, LectureView
from schemas.letters import Letter, LetterList, Replayed
from schemas.multipart import (
    MultipartAddress,
    MultipartComplete,
    MultipartRequest,
    PartAddresses,
    PartList,
    PartsWanted,
)
from schemas.requests import (
    Credentials,
    JobRequest,
    RecordingChange,
    Refresh,
    Registration,
    UploadComplete,
    UploadRequest,
)
from schemas.responses import (
    Accepted,
    Health,
    Info,
    JobAccepted,
    JobList,
    Limits,
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
from schemas.workers import StageList, StageResumed

_ID = "0199e2a4-7c1e-7d32-9a41-5be2f03c11aa"
_JOB = "0199e2a4-7c1e-7d32-9a41-5be2f03c11ab"
_KEY = f"recordings/{_ID}/original"
_SENTENCE = "correct horse battery"
_AT = "2026-01-05T09:00:00Z"
_PATH = f"/api/v1/recordings/{_ID}"

_ITEM: dict[str, Any] = {
    "id": _ID,
    "title": "Stand-up of Monday",
    "filename": "standup.webm",
    "source": "presigned",
    "status": "completed",
    "project_id": "biology-101",
    "section_id": None,
    "tags": ["exam"],
    "material_types": [],
    "size_bytes": 4211734,
    "duration_seconds": 45.2,
    "has_video": True,
    "has_audio": True,
    "quality": "1080p",
    "fps": 30,
    "created_at": _AT,
    "original_expired_at": None,
    "job_id": _JOB,
    "error": None,
    "renditions": [
        {"kind": "mp4", "content_type": "video/mp4", "size_bytes": 3911200, "url": f"{_PATH}/renditions/mp4"}
    ],
}
_FOLDER: dict[str, Any] = {
    "id": "biology-101",
    "kind": "course",
    "title": "Biology 101",
    "description": "Cells, and what they are made of.",
    "tags": ["spring"],
    "items": 12,
    "size_bytes": 50540808,
    "duration_seconds": 32400.5,
    "on_hold": False,
    "created_at": _AT,
    "updated_at": _AT,
}
_WISH: dict[str, Any] = {"older_than_days": 90, "by": "created", "what": "originals"}
_RULE: dict[str, Any] = {**_WISH, "id": _ID, "everybody": False, "course_id": None, "created_at": _AT}
_SESSION = "5e0c9c5e-4d4f-4a0a-9d3c-aa0f00c0ffee"
_LECTURE: dict[str, Any] = {
    **{name: _ITEM[name] for name in ("id", "job_id", "status", "created_at", "size_bytes", "duration_seconds")},
    "course_id": "algebra-1",
    "session_id": _SESSION,
    "title": "Groups and rings",
    "has_video": True,
    "has_audio": True,
    "linked_at": _AT,
    "renditions": [
        {"kind": "m4a", "content_type": "audio/mp4", "size_bytes": 731200, "url": f"{_PATH}/renditions/m4a"}
    ],
}
_DOCUMENT: dict[str, Any] = {
    "id": _ID,
    "title": "Cells",
    "filename": "cells.pdf",
    "status": "completed",
    "course_id": "biology",
    "size_bytes": 734003,
    "pages": 12,
    "language": "en",
    "created_at": _AT,
    "job_id": _JOB,
    "error": None,
    "file_url": f"/api/v1/documents/{_ID}/file",
    "renditions": [],
}
_ETAG = "9b2cf535f27731c974343645a3985328"  # pragma: allowlist secret
_PART: dict[str, Any] = {
    "number": 1,
    "size_bytes": 16777216,
    "url": f"https://objects.example.org/tidemark/{_KEY}?partNumber=1&uploadId=…&X-Amz-Signature=…",
}
_CITED: dict[str, Any] = {"provider": "offline", "extractive": True, "citations": []}
_SEGMENT: dict[str, Any] = {"id": 0, "start": 0.4, "end": 2.1, "speaker": "Speaker 1", "text": "Good morning."}

_JOB_ITEM: dict[str, Any] = {
    "id": _JOB,
    "recording_id": _ID,
    "job_type": "ingest",
    "status": "running",
    "progress": 35.0,
    "version": 7,
    "delivered": ["audio"],
    "missing": [],
    "created_at": _AT,
    "started_at": _AT,
}

_LETTER: dict[str, Any] = {
    "number": 12,
    "at": _AT,
    "stage": "transcribe",
    "code": "provider_unavailable",
    "detail": "The provider did not answer.",
    "attempts": 3,
    "job_id": _JOB,
    "recording_id": _ID,
    "original_topic": "tidemark.audio",
}
_STAGE: dict[str, Any] = {
    "stage": "transcribe",
    "stopped": 1,
    "workers": [
        {
            "worker": "box:17:5be2f0",
            "running": 0,
            "slots": 2,
            "state": "stopped",
            "since": _AT,
            "reason": "11 of the newest 20 attempts failed: provider_unavailable 11.",
            "failed_share": 0.55,
            "waiting_since": _AT,
        }
    ],
}

_API_KEY: dict[str, Any] = {
    "id": _ID,
    "name": "Recorder of room 2",
    "hint": "tmk_5tGh1k…",
    "scopes": ["recordings:read", "uploads:write"],
    "created_at": _AT,
    "expires_at": None,
    "last_used_at": _AT,
}

_LIMITS = Limits(
    max_upload_bytes=2 * 1024**3,
    presigned_url_seconds=3600,
    access_token_seconds=3600,
    refresh_token_seconds=7 * 24 * 3600,
    ticket_seconds=60,
)

EXAMPLES: dict[type[BaseModel], dict[str, Any]] = {
    Registration: {"username": "ada", "email": "ada@example.org", "password": _SENTENCE},
    Credentials: {"username": "ada", "password": _SENTENCE},
    Refresh: {"refresh": "kTq0…"},
    UploadRequest: {"filename": "standup.webm", "file_size": 4211734, "has_microphone": True},
    UploadComplete: {"s3_key": _KEY},
    UserView: {
        "id": _ID,
        "username": "ada",
        "email": "ada@example.org",
        "created_at": _AT,
        "display_name": "Ada Lovelace",
        "language": "en-GB",
        "timezone": "Europe/London",
    },
    AccountChange: {"display_name": "Ada Lovelace", "timezone": "Europe/London"},
    PasswordChange: {"old_password": _SENTENCE, "new_password": f"another {_SENTENCE}"},
    ApiKeyRequest: {"name": "Recorder of room 2", "scopes": ["recordings:read", "uploads:write"]},
    NewApiKey: {**_API_KEY, "secret": "tmk_5tGh1kq…"},  # pragma: allowlist secret
    ApiKeyList: {"items": [_API_KEY], "scopes": ["recordings:read", "uploads:write"]},
    AuditList: {
        "items": [
            {
                "id": _JOB,
                "at": _AT,
                "action": "recordings.delete",
                "outcome": "done",
                "user_id": _ID,
                "key_id": None,
                "address": "203.0.113.7",
                "request_id": "0199e2a4-7c1e-7d32-9a41-5be2f03c11ac",
                "about": {"id": _ID},
            }
        ],
        "next_cursor": None,
    },
    MultipartRequest: {"filename": "lecture.mp4", "file_size": 40000000, "part_size": 16777216},
    PartsWanted: {"numbers": [3]},
    MultipartComplete: {"parts": [{"number": number, "etag": _ETAG} for number in (1, 2, 3)]},
    PartAddresses: {"id": _ID, "expires_in": 3600, "urls": [_PART]},
    MultipartAddress: {
        "id": _ID,
        "expires_in": 3600,
        "urls": [_PART],
        "s3_key": _KEY,
        "job_id": _JOB,
        "part_size": 16777216,
        "parts": 3,
    },
    PartList: {
        "id": _ID,
        "part_size": 16777216,
        "parts": 3,
        "items": [{"number": 1, "size_bytes": 16777216, "etag": _ETAG}],
    },
    TranscriptChange: {
        "speakers": [{"speaker": "Speaker 1", "name": "Ada"}],
        "segments": [{"id": 4, "text": "The tide turns at nine."}],
    },
    ActionItemChange: {"done": True},
    ActionItem: {"text": "Send the tables to Bea", "at": 42.5, "owner": "I", "due": "by Friday", "done": True},
    RecordingChange: {"title": "Stand-up of Monday", "project_id": "biology-101", "tags": ["exam"]},
    FolderNew: {"id": "biology-101", "title": "Biology 101", "sections": [{"title": "Week 1"}]},
    FolderChange: {"title": "Biology 101", "sections": [{"id": "week-1", "title": "Week 1"}, {"title": "Week 2"}]},
    FolderView: {**_FOLDER, "sections": [{"id": "week-1", "title": "Week 1", "position": 0, "items": 4}]},
    FolderList: {"items": [_FOLDER], "next_cursor": None},
    FolderGone: {"id": "biology-101", "deleted": 0, "kept": 12},
    ContentList: {
        "items": [
            {
                "id": f"{_ID}.transcript",
                "type": "transcript",
                "recording_id": _ID,
                "title": "Stand-up of Monday",
                "course_id": "biology-101",
                "complete": True,
                "created_at": _AT,
                "url": f"{_PATH}/transcript",
            }
        ],
        "next_cursor": f"{_ID}.transcript",
    },
    SessionView: {"expires_in": 3600, "renewable_in": 604800},
    Tokens: {"access": "eyJhbGciOi…", "refresh": "kTq0…", "expires_in": 3600},
    TicketView: {"ticket": "5vJx…", "expires_in": 60},
    UploadAddress: {
        "id": _ID,
        "upload_url": f"https://objects.example.org/tidemark/{_KEY}?X-Amz-Signature=…",
        "s3_key": _KEY,
        "expires_in": 3600,
        "job_id": _JOB,
    },
    Accepted: {"id": _ID, "status": "processing", "job_id": _JOB},
    VideoAccepted: {
        "id": _ID,
        "status": "processing",
        "job_id": _JOB,
        "asset_id": _ID,
        "filename": f"{_ID}.mp4",
        "original_filename": "standup.mp4",
        "size_bytes": 4211734,
        "project_id": "website",
    },
    RecordingList: {"items": [_ITEM], "next_cursor": None},
    VideoList: {
        "items": [{**_ITEM, "asset_id": _ID, "original_filename": _ITEM["filename"]}],
        "next_cursor": None,
    },
    StorageStats: {
        "project_id": "website",
        "recordings": 3,
        "by_status": {"completed": 2, "processing": 1},
        "originals_bytes": 12635202,
        "renditions_bytes": 8022400,
        "by_rendition": {"mp4": 7822400, "m4a": 200000},
        "total_bytes": 20657602,
    },
    StorageFreed: {"project_id": "website", "recordings": 3, "total_bytes": 20657602},
    DocumentAccepted: {
        "id": _ID,
        "status": "processing",
        "job_id": _JOB,
        "course_id": "biology",
        "filename": "cells.pdf",
        "size_bytes": 734003,
    },
    DocumentList: {"items": [_DOCUMENT], "next_cursor": None},
    DocumentView: {
        **_DOCUMENT,
        "text": {"language": "en", "complete": True, "pages": 12, "words": 4211},
        "analyses": {
            "summary": {"text": "Cells divide.", **_CITED, "citations": [{"page": 3}]},
            "action_items": {"items": [], **_CITED},
            "key_points": {"items": [{"text": "Cells divide.", "page": 3, "citations": [{"page": 3}]}], **_CITED},
            "sentiment": {"label": "neutral", "score": 0, "timeline": [], **_CITED},
        },
    },
    PageView: {
        "number": 3,
        "text": "Cells divide.",
        "words": 2,
        "width": 1131,
        "height": 1600,
        "image_url": f"/api/v1/documents/{_ID}/pages/3/image",
    },
    JobRequest: {
        "job_type": "export",
        "payload": {"recording_id": _ID, "include": ["transcript", "analyses"]},
        "max_attempts": 5,
    },
    JobAccepted: {"id": _JOB, "status": "queued", "job_id": _JOB, "job_type": "export", "recording_id": _ID},
    JobList: {"items": [_JOB_ITEM], "next_cursor": None},
    RecordingView: {
        **_ITEM,
        "thumbnails": [{"at": 0, "width": 320, "height": 180, "url": f"{_PATH}/thumbnails/0"}],
        "scenes": [{"at": 12.5, "score": 41.2}],
        "transcript": {"language": "en", "complete": True, "url": f"{_PATH}/transcript"},
        "analyses": {
            "summary": {"text": "The release is on Friday.", **_CITED},
            "action_items": {"items": [{"text": "Ada sends the notes.", "at": 31.0, "owner": "Ada"}], **_CITED},
            "key_points": {"items": [{"text": "The release is on Friday.", "at": 8.2}], **_CITED},
            "sentiment": {"label": "positive", "score": 0.4, "timeline": [], **_CITED},
        },
    },
    LectureRequest: {
        "course_id": "algebra-1",
        "panopto_url": f"https://uni.hosted.panopto.com/Panopto/Pages/Viewer.aspx?id={_SESSION}",
        "stream_url": f"https://media.example.org/sessions/{_SESSION}/master.m3u8",
        "title": "Groups and rings",
    },
    LectureAccepted: {"id": _ID, "status": "downloading", "job_id": _JOB},
    LectureState: {"id": _ID, "status": "downloading", "progress": 7.5, "job_id": _JOB},
    LectureView: {**_LECTURE, "transcript": {"language": "en", "complete": True, "url": f"{_PATH}/transcript"}},
    LectureList: {"items": [_LECTURE], "next_cursor": None},
    RecordingState: {"id": _ID, "status": "processing", "progress": 62.5, "job_id": _JOB, "error": None},
    Transcript: {
        "language": "en",
        "provider": "offline",
        "text": "Good morning.",
        "complete": True,
        "segments": [_SEGMENT],
    },
    JobView: {
        **_JOB_ITEM,
        "steps": [
            {"name": "audio", "status": "completed", "progress": 100, "attempt": 1, "started_at": _AT},
            {
                "name": "render",
                "status": "running",
                "progress": 40,
                "attempt": 2,
                "max_attempts": 3,
                "started_at": _AT,
                "history": [{"attempt": 1, "ended_at": _AT, "code": "worker_lost", "detail": "It went away."}],
            },
        ],
        "logs": [{"at": _AT, "step": "audio", "message": "attempt 1 of 3"}],
        "results": {},
    },
    ActivityList: {
        "items": [{"id": _ID, "type": "recording.uploaded", "at": _AT, "recording_id": _ID, "job_id": _JOB}],
        "next_cursor": None,
    },
    ErasureRequest: {"username": "ada", "password": _SENTENCE},
    Receipt: {"receipt": f"{_ID}.kTq0…"},
    ErasureView: {
        "id": _ID,
        "status": "erasing",
        "requested_at": _AT,
        "finished_at": None,
        "removed": {"recordings": 2, "bytes": 8423468},
        "receipt": f"{_ID}.kTq0…",
    },
    Streak: {"current_days": 3, "longest_days": 12, "active_today": True},
    MonthUsage: {
        "month": "2026-01",
        "uploads": 14,
        "uploaded_bytes": 58964270,
        "jobs": 2,
        "transcribed_seconds": 9412.5,
        "pages": 48,
        "analyses": 14,
        "exports": 1,
        "deletions": 3,
    },
    RuleNew: {**_WISH, "course_id": "biology-101"},
    OperatorRuleNew: _WISH,
    PreviewAsk: {"rule": {**_WISH, "course_id": "biology-101"}},
    OperatorPreviewAsk: {"rule": None},
    RuleView: _RULE,
    RuleList: {"items": [_RULE]},
    RetentionPreview: {
        "at": _AT,
        "recordings": 1,
        "total_bytes": 4211734,
        "items": [
            {
                "recording_id": _ID,
                "owner_id": _ID,
                "title": "Stand-up of Monday",
                "what": ["originals"],
                "rules": [_ID],
                "total_bytes": 4211734,
            }
        ],
    },
    HoldWish: {"reason": "Case 2026-17"},
    HoldView: {
        "recording_id": _ID,
        "owner_id": _ID,
        "course_id": None,
        "hold": {"reason": "Case 2026-17", "by": _ID, "at": _AT},
    },
    LetterList: {"items": [_LETTER], "next_cursor": "12"},
    Letter: {**_LETTER, "original": {"type": "audio.extracted", "job_id": _JOB}},
    Replayed: {"number": 12, "job_id": _JOB, "topic": None},
    StageList: {"items": [_STAGE]},
    StageResumed: {"stage": "transcribe", "resumed_at": _AT},
    Health: {
        "status": "degraded",
        "parts": [
            {"name": "kafka", "ok": True},
            {
                "name": "workers",
                "ok": False,
                "detail": "«transcribe» is stopped in 1 of 1 workers.",
                "stages": [{"stage": "transcribe", "workers": 1, "stopped": 1, "reason": "timeout 11."}],
            },
        ],
    },
    Info: {
        "name": "tidemark",
        "version": "0.1.0",
        "environment": "production",
        "limits": _LIMITS.model_dump(),
    },
}
