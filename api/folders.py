"""What courses and projects have in common: made, listed with counts, changed, and taken apart."""

from collections.abc import Iterable
from datetime import datetime

from aiohttp import web

from api.destroying import destroy_contents, expect_none_on_hold, take_out
from api.keys import CALLER, FOLDERS
from api.problems import wrong_field
from schemas.folders import (
    MOST_FOLDERS,
    Folder,
    FolderChange,
    FolderGone,
    FolderItem,
    FolderKind,
    FolderList,
    FolderNew,
    FolderQuery,
    FolderRemoval,
    FolderView,
    Section,
    SectionView,
    SectionWish,
)
from schemas.ids import new_id
from schemas.problems import Problem
from schemas.time import now
from stores.errors import Duplicate
from stores.folders import Contents


async def create(request: web.Request, kind: FolderKind, body: FolderNew) -> FolderView:
    """Makes a course or project. Raises Problem id_taken, too_many."""
    owner_id, folders = request[CALLER], request.app[FOLDERS]
    if len(await folders.of_owner(owner_id)) >= MOST_FOLDERS:
        raise Problem("too_many", f"You have {MOST_FOLDERS} courses and projects: delete one first.")
    told = {"description": body.description, "tags": list(body.tags), "sections": _sections(body.sections)}
    folder = _new(owner_id, body.id or new_id(), kind, body.title).model_copy(update=told)
    try:
        await folders.create(folder)
    except Duplicate as error:
        raise Problem("id_taken", "You have a course or project of that id already.") from error
    return await _whole(request, folder, kind)


def _new(owner_id: str, folder_id: str, kind: FolderKind | None, title: str, at: datetime | None = None) -> Folder:
    created = at or now()
    return Folder(
        id=Folder.key(owner_id, folder_id),
        owner_id=owner_id,
        folder_id=folder_id,
        kind=kind,
        title=title,
        created_at=created,
        updated_at=created,
    )


def _sections(wished: Iterable[SectionWish]) -> list[Section]:
    """The sections in the order in which they are wished. Raises Problem invalid_field for an id that comes twice."""
    made = [
        Section(id=wish.id or new_id(), title=wish.title, position=position) for position, wish in enumerate(wished)
    ]
    if len({section.id for section in made}) < len(made):
        raise wrong_field("sections", "each id may stand for one section")
    return made


async def listed(request: web.Request, kind: FolderKind, query: FolderQuery) -> FolderList:
    """The caller's folders of that kind, and those that nobody has said the kind of; newest first, a page at a time."""
    owner_id = request[CALLER]
    stored = {folder.folder_id: folder for folder in await request.app[FOLDERS].of_owner(owner_id)}
    contents = await request.app[FOLDERS].contents(owner_id)
    unnamed = {name: implied(owner_id, name, found) for name, found in contents.items() if name not in stored}
    found = [folder for folder in (stored | unnamed).values() if folder.kind in (None, kind) and _fits(folder, query)]
    found.sort(key=_cursor, reverse=True)
    rest = [folder for folder in found if query.cursor is None or _cursor(folder) < query.cursor]
    page = rest[: query.limit]
    return FolderList(
        items=tuple(FolderItem(**_shared(folder, kind, contents.get(folder.folder_id))) for folder in page),
        next_cursor=_cursor(page[-1]) if len(rest) > len(page) else None,
    )


def implied(owner_id: str, folder_id: str, contents: Contents) -> Folder:
    """What stands for a folder that has no document while something is in it: as old as that, and of no kind yet."""
    return _new(owner_id, folder_id, None, folder_id, contents.oldest).model_copy(
        update={"updated_at": contents.newest}
    )


def _fits(folder: Folder, query: FolderQuery) -> bool:
    titled = query.q is None or query.q.casefold() in folder.title.casefold()
    return titled and (query.tag is None or query.tag in folder.tags)


def _cursor(folder: Folder) -> str:
    """A place in the list: it sorts by creation, then by id."""
    return f"{round(folder.created_at.timestamp() * 1000):015d}.{folder.folder_id}"


async def detail(request: web.Request, folder_id: str, kind: FolderKind) -> FolderView:
    """The caller's folder. Raises Problem not_found."""
    return await _whole(request, await existing(request, folder_id, kind), kind)


async def existing(request: web.Request, folder_id: str, kind: FolderKind) -> Folder:
    """The folder's document, or what stands for it while something is in it. Raises Problem not_found."""
    folder = await request.app[FOLDERS].get(request[CALLER], folder_id)
    if folder is None and (contents := await request.app[FOLDERS].contents_of(request[CALLER], folder_id)):
        folder = implied(request[CALLER], folder_id, contents)
    if folder is None or folder.kind not in (None, kind):
        raise Problem("not_found", f"There is no such {kind}.")
    return folder


async def _whole(request: web.Request, folder: Folder, kind: FolderKind) -> FolderView:
    contents = await request.app[FOLDERS].contents_of(folder.owner_id, folder.folder_id)
    filed = await request.app[FOLDERS].by_section(folder.owner_id, folder.folder_id) if folder.sections else {}
    sections = (SectionView(**dict(section), items=filed.get(section.id, 0)) for section in folder.sections)
    return FolderView(**_shared(folder, kind, contents), sections=tuple(sections))


def _shared(folder: Folder, kind: FolderKind, contents: Contents | None) -> dict[str, object]:
    return {
        "id": folder.folder_id,
        "kind": kind,
        "title": folder.title,
        "description": folder.description,
        "tags": tuple(folder.tags),
        "items": contents.items if contents else 0,
        "size_bytes": contents.size_bytes if contents else 0,
        "duration_seconds": contents.duration_seconds if contents else 0,
        "on_hold": folder.hold is not None,
        "created_at": folder.created_at,
        "updated_at": folder.updated_at,
    }


async def change(request: web.Request, folder_id: str, kind: FolderKind, body: FolderChange) -> FolderView:
    """Changes the folder; what is in a section that goes stays in the folder. A repeat is harmless."""
    folder = await existing(request, folder_id, kind)
    await ensure(request.app, folder)
    fields = {"kind": kind.value, **body.model_dump(exclude={"sections"}, exclude_none=True)}
    fields |= {"tags": list(body.tags)} if body.tags is not None else {}
    sections = None if body.sections is None else _sections(body.sections)
    fields |= {"sections": [section.model_dump() for section in sections]} if sections is not None else {}
    changed = await request.app[FOLDERS].update(folder.owner_id, folder_id, fields)
    if changed is None:
        raise Problem("not_found", f"The {kind} was deleted meanwhile.")
    if sections is not None:
        closed = {section.id for section in folder.sections} - {section.id for section in sections}
        await request.app[FOLDERS].close_sections(folder.owner_id, folder_id, sorted(closed))
    return await _whole(request, changed, kind)


async def ensure(app: web.Application, folder: Folder) -> None:
    """Gives a folder that stood for itself a document."""
    if await app[FOLDERS].get(folder.owner_id, folder.folder_id) is None:
        try:
            await app[FOLDERS].create(folder)
        except Duplicate:  # another request was faster
            return


async def remove(request: web.Request, folder_id: str, kind: FolderKind, query: FolderRemoval) -> FolderGone:
    """Deletes the folder; what is in it goes with it or stays without it. What broke off can be repeated.

    Raises Problem not_found, not_empty, on_hold.
    """
    folder = await existing(request, folder_id, kind)
    await expect_none_on_hold(request.app, folder.owner_id, folder_id)
    deleted = kept = 0
    match query.contents:
        case "delete":
            deleted = (await destroy_contents(request.app, folder.owner_id, folder_id)).recordings
        case "keep":
            kept = await take_out(request.app, folder.owner_id, folder_id)
        case _:
            if await request.app[FOLDERS].contents_of(folder.owner_id, folder_id):
                raise Problem("not_empty", f"Say ?contents=delete or ?contents=keep: the {kind} is not empty.")
    await request.app[FOLDERS].delete(folder.owner_id, folder_id)
    return FolderGone(id=folder_id, deleted=deleted, kept=kept)
