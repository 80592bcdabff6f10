"""Everything that the service has of the caller, as one download."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import PurePosixPath

import orjson
from aiohttp import web

from api import views
from api.archive import Media, Text, send
from api.keys import ACTIVITY, ADMISSION, ANALYSES, CALLER, JOBS, PEOPLE, RECORDINGS, TRANSCRIPTS
from schemas.jobs import view
from schemas.media import RenditionKind
from schemas.recordings import Recording
from schemas.requests import ArchiveQuery
from schemas.time import now

_AT_ONCE = 50
_ACTIVITY_DAYS, _MOST_ENTRIES = 366, 100_000


async def archive(request: web.Request, query: ArchiveQuery) -> web.StreamResponse:
    """The caller's account, recordings, transcripts, analyses, jobs and activity as one ZIP, with or without media."""
    with request.app[ADMISSION].archive(request[CALLER]):
        return await send(request, f"tidemark-{now():%Y-%m-%d}.zip", _files(request, query.media))


async def _files(request: web.Request, media: bool) -> AsyncIterator[Text | Media]:
    async for text in _account(request):
        yield text
    before: str | None = None
    while page := await request.app[RECORDINGS].all_owned(request[CALLER], limit=_AT_ONCE, before=before):
        for recording in page:
            async for file in _recording(request, recording, media):
                yield file
        before = page[-1].id


async def _account(request: web.Request) -> AsyncIterator[Text]:
    user = await request.app[PEOPLE].get(request[CALLER])
    if user is not None:
        yield _json("account.json", user.model_dump(mode="json", exclude={"password_hash"}))
    today = now().date()
    since = today - timedelta(days=_ACTIVITY_DAYS)
    entries = await request.app[ACTIVITY].newest(request[CALLER], _MOST_ENTRIES, before=None, since=since, today=today)
    yield _json("activity.json", [entry.model_dump(mode="json") for entry in entries])


async def _recording(request: web.Request, recording: Recording, media: bool) -> AsyncIterator[Text | Media]:
    folder = f"recordings/{recording.id}"
    transcript = await request.app[TRANSCRIPTS].get(recording.id)
    analyses = await request.app[ANALYSES].get(recording.id)
    yield _json(f"{folder}/recording.json", views.whole(recording, transcript, analyses).model_dump(mode="json"))
    if transcript is not None:
        yield Text(f"{folder}/transcript.json", transcript.model_dump_json(indent=2))
    jobs = await request.app[JOBS].get_many(recording.every_job_id)
    yield _json(f"{folder}/jobs.json", [view(job).model_dump(mode="json") for job in jobs])
    if media:
        for file in _media(folder, recording):
            yield file


def _media(folder: str, recording: Recording) -> list[Media]:
    made = [
        Media(f"{folder}/{PurePosixPath(rendition.key).name}", rendition.key)
        for rendition in recording.renditions
        if rendition.kind is not RenditionKind.ORIGINAL
    ]
    if recording.content_type is None or recording.original_lost:
        return made
    return [Media(f"{folder}/original{recording.ending}", recording.object_key), *made]


def _json(name: str, value: object) -> Text:
    return Text(name, orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
