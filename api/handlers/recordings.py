"""Recordings: list, detail, change, delete, state, transcript, renditions and thumbnails."""

from aiohttp import hdrs, web

from api import views
from api.downloads import Download, disposition, send
from api.filing import changes, refile
from api.keys import ANALYSES, CALLER, DELETION, JOBS, RECORDINGS, TRANSCRIPTS
from api.ownership import owned, owned_until_the_end, readable
from api.paging import page_of
from api.problems import wrong_field
from api.renditions import send_rendition
from schemas import subtitles
from schemas.analyses import ActionItem
from schemas.corrections import ActionItemChange, TranscriptChange
from schemas.problems import Problem
from schemas.recordings import Recording
from schemas.requests import RecordingChange, RecordingQuery, TranscriptQuery
from schemas.responses import RecordingList, RecordingState, RecordingView
from schemas.transcripts import Transcript
from stores.corrections import MOST_BYTES, Overfull

_SUBTITLES = {
    "txt": (subtitles.txt, "text/plain"),
    "srt": (subtitles.srt, "application/x-subrip"),
    "vtt": (subtitles.vtt, "text/vtt"),
}


async def index(request: web.Request, query: RecordingQuery) -> RecordingList:
    """The caller's recordings, newest first, a page at a time."""
    found = await request.app[RECORDINGS].lists.owned(
        request[CALLER],
        limit=query.limit + 1,
        before=query.cursor,
        status=query.status,
        project_id=query.project_id,
        title=query.q,
        section_id=query.section_id,
        tag=query.tag,
    )
    page, next_cursor = page_of(found, query.limit)
    return RecordingList(
        items=tuple(views.item(recording) for recording in page),
        next_cursor=next_cursor,
    )


async def detail(request: web.Request) -> RecordingView:
    """A recording with everything that is ready of it."""
    return await _whole(request, await readable(request))


async def _whole(request: web.Request, recording: Recording) -> RecordingView:
    transcript = await request.app[TRANSCRIPTS].outline(recording.id)
    return views.whole(recording, transcript, await request.app[ANALYSES].get(recording.id))


async def change(request: web.Request, body: RecordingChange) -> RecordingView:
    """Sets the recording's title and tags, and files it in another course, project or section. A repeat is harmless."""
    recording = await owned(request)
    changed = await refile(request.app, recording, await changes(request.app, recording, body))
    if changed is None:
        raise Problem("not_found", "There is no such recording.")
    return await _whole(request, changed)


async def delete(request: web.Request) -> None:
    """Destroys the recording with everything that was made of it; its work ends. What broke off can be repeated."""
    await request.app[DELETION].destroy(await owned_until_the_end(request))


async def state(request: web.Request) -> RecordingState:
    """How far the recording is."""
    recording = await readable(request)
    job = await request.app[JOBS].get(recording.job_id)
    return RecordingState(
        id=recording.id,
        status=recording.status,
        progress=job.progress if job else 0,
        job_id=recording.job_id,
        error=recording.error,
    )


async def transcript(request: web.Request, query: TranscriptQuery) -> Transcript | web.Response:
    """The transcript as far as it is there: `complete` says whether that is all."""
    recording = await readable(request)
    found = await request.app[TRANSCRIPTS].get(recording.id)
    if found is None:
        raise Problem("not_ready", "There is no transcript yet.")
    if query.format == "json":
        return found
    write, content_type = _SUBTITLES[query.format]
    headers = {
        hdrs.CONTENT_DISPOSITION: disposition("attachment", f"{recording.title}.{query.format}"),
        hdrs.CACHE_CONTROL: "no-store",
    }
    return web.Response(text=write(found), content_type=content_type, charset="utf-8", headers=headers)


async def correct(request: web.Request, body: TranscriptChange) -> Transcript:
    """Gives speakers names, and puts texts of segments right; their times stay. A repeat is harmless."""
    recording = await owned(request)
    names = {change.speaker: change.name for change in body.speakers}
    texts = {change.id: change.text for change in body.segments}
    try:
        found = await request.app[TRANSCRIPTS].correct(recording.id, names, texts)
    except KeyError as error:
        field = "segments" if isinstance(error.args[0], int) else "speakers"
        raise wrong_field(field, f"the transcript has no {error.args[0]!r}") from error
    except Overfull as error:
        told = f"All corrections of a transcript together may have {MOST_BYTES // 1024**2} MiB."
        raise Problem("too_many_corrections", told) from error
    if found is None:
        raise Problem("not_ready", "There is no transcript yet.")
    return found


async def check(request: web.Request, body: ActionItemChange) -> ActionItem:
    """Checks an action item off, by its number in the list, or not any more. A repeat is harmless."""
    recording, number = await owned(request), request.match_info["number"]
    plain = number.isascii() and number.isdigit() and len(number) < 6
    found = await request.app[ANALYSES].check(recording.id, int(number), done=body.done) if plain else None
    if found is None:
        raise Problem("not_found", "There is no such action item.")
    return found


async def rendition(request: web.Request) -> web.StreamResponse:
    """A rendition's bytes, or a range of them."""
    return await send_rendition(request, await readable(request))


async def thumbnail(request: web.Request) -> web.StreamResponse:
    """A thumbnail's bytes, by its number."""
    recording, number = await readable(request), request.match_info["number"]
    if not (number.isascii() and number.isdigit() and len(number) < 6) or int(number) >= len(recording.thumbnails):
        raise Problem("not_found", "There is no such thumbnail.")
    key = recording.thumbnails[int(number)].key
    return await send(request, Download(key=key, content_type="image/jpeg", filename=f"thumbnail-{int(number)}.jpg"))
