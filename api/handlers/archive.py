"""Everything that the service has of the caller, as one download."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any

import orjson
from aiohttp import web
from pydantic import BaseModel

from api import views
from api.archive import Media, Text, send
from api.keys import (
    ACTIVITY,
    ADMISSION,
    ANALYSES,
    API_KEYS,
    AUDIT,
    CALLER,
    FOLDERS,
    JOBS,
    LECTURES,
    PAGES,
    PEOPLE,
    RECORDINGS,
    RULES,
    TRANSCRIPTS,
)
from schemas.jobs import view
from schemas.media import RenditionKind
from schemas.recordings import Recording, RecordingKind
from schemas.requests import ArchiveQuery
from schemas.time import now

_AT_ONCE = 50
_ACTIVITY_DAYS, _MOST_ENTRIES = 366, 100_000
_SECRET = {"password_hash"}
_OF_KEYS = {"key_id", "name", "hint", "scopes", "created_at", "expires_at", "last_used_at", "last_used_from"}


async def archive(request: web.Request, query: ArchiveQuery) -> web.StreamResponse:
    """All of the caller's as one ZIP: account, courses, recordings, documents, texts, jobs; with or without media."""
    with request.app[ADMISSION].archive(request[CALLER]):
        return await send(request, f"tidemark-{now():%Y-%m-%d}.zip", _files(request, query.media))


async def _files(request: web.Request, media: bool) -> AsyncIterator[Text | Media]:
    async for text in _account(request):
        yield text
    before: str | None = None
    while page := await request.app[RECORDINGS].lists.everything(request[CALLER], limit=_AT_ONCE, before=before):
        for recording in page:
            async for file in _item(request, recording, media):
                yield file
        before = page[-1].id


async def _account(request: web.Request) -> AsyncIterator[Text]:
    """What belongs to the account itself."""
    app, caller, today = request.app, request[CALLER], now().date()
    user = await app[PEOPLE].get(caller)
    yield _json("account.json", user.model_dump(mode="json", exclude=_SECRET) if user else None)
    since = today - timedelta(days=_ACTIVITY_DAYS)
    activity = await app[ACTIVITY].newest(caller, _MOST_ENTRIES, before=None, since=since, today=today)
    yield _list("activity.json", activity)
    yield _list("acts.json", await app[AUDIT].newest(_MOST_ENTRIES, user_id=caller))
    yield _list("api_keys.json", await app[API_KEYS].list_owned(caller), include=_OF_KEYS)
    yield _list("courses_and_projects.json", await app[FOLDERS].of_owner(caller))
    yield _list("retention_rules.json", await app[RULES].of(caller))
    lectures = await app[LECTURES].list_linked(caller, limit=_MOST_ENTRIES)
    yield _list("lectures.json", [views.lecture_item(lecture, caller) for lecture in lectures])


async def _item(request: web.Request, recording: Recording, media: bool) -> AsyncIterator[Text | Media]:
    """A recording or document: what is known of it, its text, its work, and its bytes."""
    document = recording.kind is RecordingKind.DOCUMENT
    folder = f"{'documents' if document else 'recordings'}/{recording.id}"
    for text in await (_document if document else _recording)(request, recording, folder):
        yield text
    jobs = await request.app[JOBS].get_many(recording.every_job_id)
    yield _list(f"{folder}/jobs.json", [view(job) for job in jobs])
    if media:
        for file in _media(folder, recording):
            yield file


async def _recording(request: web.Request, recording: Recording, folder: str) -> list[Text]:
    transcript = await request.app[TRANSCRIPTS].get(recording.id)
    analyses = await request.app[ANALYSES].get(recording.id)
    whole = views.whole(recording, transcript, analyses)
    texts = [_json(f"{folder}/recording.json", whole.model_dump(mode="json"))]
    return [*texts, Text(f"{folder}/transcript.json", transcript.model_dump_json(indent=2))] if transcript else texts


async def _document(request: web.Request, recording: Recording, folder: str) -> list[Text]:
    text = await request.app[PAGES].get(recording.id)
    outline = await request.app[PAGES].outline(recording.id)
    whole = views.whole_document(recording, outline, await request.app[ANALYSES].get(recording.id))
    texts = [_json(f"{folder}/document.json", whole.model_dump(mode="json"))]
    return [*texts, Text(f"{folder}/pages.json", text.model_dump_json(indent=2))] if text else texts


def _media(folder: str, recording: Recording) -> list[Media]:
    made = [
        Media(f"{folder}/{PurePosixPath(rendition.key).name}", rendition.key)
        for rendition in recording.renditions
        if rendition.kind is not RenditionKind.ORIGINAL
    ]
    if not recording.original_there:
        return made
    return [Media(f"{folder}/original{recording.ending}", recording.object_key), *made]


def _list(name: str, models: "list[Any]", include: set[str] | None = None) -> Text:
    return _json(name, [_plain(model, include) for model in models])


def _plain(model: BaseModel, include: set[str] | None) -> Any:
    return model.model_dump(mode="json", include=include)


def _json(name: str, value: object) -> Text:
    return Text(name, orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
