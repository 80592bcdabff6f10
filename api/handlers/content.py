"""Everything that was generated for the caller, in one list."""

from collections.abc import Iterator

from aiohttp import web

from api import views
from api.keys import ANALYSES, CALLER, RECORDINGS, TRANSCRIPTS
from schemas.contents import ContentItem, ContentList, ContentQuery, ContentType
from schemas.media import RenditionKind
from schemas.recordings import Recording

_TOGETHER = 100
_LOOKS = 5
"""How many recordings are looked at for one page, at most: `_LOOKS` times `_TOGETHER`."""
_ORDER = tuple(ContentType)


async def index(request: web.Request, query: ContentQuery) -> ContentList:
    """What was generated from the caller's recordings, that of the newest recording first, a page at a time."""
    place = query.cursor
    items: list[ContentItem] = []
    for _ in range(_LOOKS):
        recordings = await request.app[RECORDINGS].lists.everything(
            request[CALLER], limit=_TOGETHER, before=_before(place), project_id=query.course_id
        )
        found = [item for item in await _generated(request.app, recordings) if place is None or _after(item.id, place)]
        items += [item for item in found if query.type in (None, item.type)]
        if len(items) > query.limit:
            page = items[: query.limit]
            return ContentList(items=tuple(page), next_cursor=page[-1].id)
        if len(recordings) < _TOGETHER:
            return ContentList(items=tuple(items))
        place = f"{recordings[-1].id}.{_ORDER[-1]}"
    return ContentList(items=tuple(items), next_cursor=place)


def _before(place: str | None) -> str | None:
    """Recordings from the place's own on: what may still follow of it comes first."""
    return f"{place.partition('.')[0]}~" if place else None


def _after(item_id: str, place: str) -> bool:
    """Whether the item comes later in the list than the place: of an older recording, or a later type of the same."""
    recording_id, _, kind = item_id.partition(".")
    there, _, passed = place.partition(".")
    return recording_id < there or (recording_id == there and _rank(kind) > _rank(passed))


def _rank(kind: str) -> int:
    return _ORDER.index(ContentType(kind)) if kind in _ORDER else -1


async def _generated(app: web.Application, recordings: list[Recording]) -> list[ContentItem]:
    ids = [recording.id for recording in recordings]
    transcripts, analyses = await app[TRANSCRIPTS].complete(ids), await app[ANALYSES].present(ids)
    return [
        item
        for recording in recordings
        for item in _of(recording, transcripts.get(recording.id), recording.id in analyses)
    ]


def _of(recording: Recording, transcript: bool | None, analyses: bool) -> Iterator[ContentItem]:
    """What there is of one recording; of its transcript whether it is whole."""
    if transcript is not None:
        yield _item(recording, ContentType.TRANSCRIPT, "/transcript", transcript)
    if analyses:
        yield _item(recording, ContentType.ANALYSES, "")
    if any(made.kind is RenditionKind.PACKAGE for made in recording.renditions):
        yield _item(recording, ContentType.PACKAGE, "/renditions/package")


def _item(recording: Recording, kind: ContentType, path: str, complete: bool = True) -> ContentItem:
    return ContentItem(
        id=f"{recording.id}.{kind}",
        type=kind,
        recording_id=recording.id,
        title=recording.title,
        course_id=recording.project_id,
        complete=complete,
        created_at=recording.created_at,
        url=views.address(recording) + path,
    )
