"""Rules of retention, a look at what would go by them, and holds. Rules of everybody and holds are administrators'."""

from collections.abc import AsyncIterator

from aiohttp import web

from api.audit import note, tell
from api.folders import ensure, implied
from api.keys import CALLER, FOLDERS, KEEPER, RECORDINGS, RULES
from schemas.folders import Folder
from schemas.holds import Hold
from schemas.ids import new_id
from schemas.problems import Problem
from schemas.retention import (
    MOST_RULES,
    MOST_SHOWN,
    Expiring,
    HoldView,
    HoldWish,
    OperatorPreviewAsk,
    OperatorRuleNew,
    PreviewAsk,
    RetentionPreview,
    Rule,
    RuleList,
    RuleNew,
    RuleView,
)
from schemas.time import now
from stores.errors import StoreUnavailable
from stores.retention import Due, expiring

_CONFLICTS = 10


async def rules(request: web.Request) -> RuleList:
    """The rules that hold for the caller's recordings: the own ones, and those for everybody."""
    return _list(await request.app[RULES].for_owner(request[CALLER]))


async def add_rule(request: web.Request, body: RuleNew) -> RuleView:
    """Makes a rule for the caller's recordings; it is applied from the next look at all recordings on."""
    made = await _add(request, _rule(body, request[CALLER], body.course_id))
    await note(request, "retention.add_rule", {"id": made.id})
    return made


async def remove_rule(request: web.Request) -> None:
    """Forgets a rule of the caller; what has gone by it stays gone."""
    await _remove(request, request[CALLER])


async def preview(request: web.Request, body: PreviewAsk) -> RetentionPreview:
    """What would go of the caller's recordings at this moment: by the rules that hold, and the one to be tried."""
    tried = [_rule(body.rule, request[CALLER], body.rule.course_id)] if body.rule else []
    held = await request.app[RULES].for_owner(request[CALLER])
    return await _previewed(request.app[KEEPER].due([*held, *tried], request[CALLER]))


async def everybodys_rules(request: web.Request) -> RuleList:
    """The rules for the recordings of everybody."""
    return _list(await request.app[RULES].of(None))


async def add_everybodys_rule(request: web.Request, body: OperatorRuleNew) -> RuleView:
    """Makes a rule for the recordings of everybody; it is applied from the next look at all recordings on."""
    return await _add(request, _rule(body, None, None))


async def remove_everybodys_rule(request: web.Request) -> None:
    """Forgets a rule for everybody; what has gone by it stays gone."""
    await _remove(request, None)


async def everybodys_preview(request: web.Request, body: OperatorPreviewAsk) -> RetentionPreview:
    """What would go of everybody's recordings at this moment: by all rules that hold, and the one to be tried."""
    tried = [_rule(body.rule, None, None)] if body.rule else []
    return await _previewed(request.app[KEEPER].due([*await request.app[RULES].all(), *tried]))


async def hold_recording(request: web.Request, body: HoldWish) -> HoldView:
    """Puts a recording on hold: nothing of it is deleted by anybody until that is lifted. A repeat sets the reason."""
    recording_id, hold = request.match_info["id"], _hold(request, body)
    recording = await request.app[RECORDINGS].set_hold(recording_id, hold)
    if recording is None:
        raise Problem("not_found", "There is no such recording.")
    tell(request, owner_id=recording.owner_id, reason=hold.reason)
    return HoldView(recording_id=recording_id, owner_id=recording.owner_id, hold=hold)


async def release_recording(request: web.Request) -> None:
    """Lifts the hold of a recording; one that its course or project has is another. A repeat is harmless."""
    recording_id = request.match_info["id"]
    if await request.app[RECORDINGS].set_hold(recording_id, None) is None:
        raise Problem("not_found", "There is no such recording.")


async def hold_course(request: web.Request, body: HoldWish) -> HoldView:
    """Puts somebody's course or project on hold, with all that is in it and comes into it. A repeat sets the reason."""
    owner_id, folder_id, hold = request.match_info["owner_id"], request.match_info["course_id"], _hold(request, body)
    await _hold_folder(request, owner_id, folder_id, hold)
    tell(request, reason=hold.reason)
    return HoldView(owner_id=owner_id, course_id=folder_id, hold=hold)


async def _hold_folder(request: web.Request, owner_id: str, folder_id: str, hold: Hold) -> None:
    """Writes the hold into the folder's document, into a new one where it is deleted at that moment.

    Raises Problem not_found when nothing of the folder is left.
    """
    for _ in range(_CONFLICTS):
        await ensure(request.app, await _folder(request, owner_id, folder_id))
        held = await request.app[FOLDERS].update(owner_id, folder_id, {"hold": hold.model_dump()})
        if held is not None and held.hold is not None:
            return
    raise StoreUnavailable("document store", f"the folder {folder_id} changes too fast")


async def release_course(request: web.Request) -> None:
    """Lifts the hold of somebody's course or project. A repeat is harmless."""
    owner_id, folder_id = request.match_info["owner_id"], request.match_info["course_id"]
    if await request.app[FOLDERS].update(owner_id, folder_id, {"hold": None}) is None:
        raise Problem("not_found", "There is no such course or project.")


async def _folder(request: web.Request, owner_id: str, folder_id: str) -> Folder:
    folders = request.app[FOLDERS]
    if folder := await folders.get(owner_id, folder_id):
        return folder
    if contents := await folders.contents_of(owner_id, folder_id):
        return implied(owner_id, folder_id, contents)
    raise Problem("not_found", "There is no such course or project.")


def _hold(request: web.Request, body: HoldWish) -> Hold:
    return Hold(reason=body.reason, by=request[CALLER], at=now())


def _rule(body: OperatorRuleNew, owner_id: str | None, course_id: str | None) -> Rule:
    return Rule(
        id=new_id(),
        owner_id=owner_id,
        course_id=course_id,
        older_than_days=body.older_than_days,
        by=body.by,
        what=body.what,
        created_at=now(),
    )


async def _add(request: web.Request, rule: Rule) -> RuleView:
    if len(await request.app[RULES].of(rule.owner_id)) >= MOST_RULES:
        raise Problem("too_many", f"There are {MOST_RULES} rules: delete one first.")
    await request.app[RULES].create(rule)
    tell(request, rule=rule.model_dump(mode="json"))
    return _view(rule)


async def _remove(request: web.Request, owner_id: str | None) -> None:
    rule_id = request.match_info["id"]
    if not await request.app[RULES].delete(owner_id, rule_id):
        raise Problem("not_found", "There is no such rule.")


def _list(found: list[Rule]) -> RuleList:
    return RuleList(items=tuple(_view(rule) for rule in found))


def _view(rule: Rule) -> RuleView:
    fields = rule.model_dump(exclude={"owner_id"})
    return RuleView(**fields, everybody=rule.owner_id is None)


async def _previewed(found: AsyncIterator[Due]) -> RetentionPreview:
    shown: list[Expiring] = []
    recordings, size, at = 0, 0, now()
    async for due in found:
        recordings, size = recordings + 1, size + due.total_bytes
        if len(shown) < MOST_SHOWN:
            shown.append(expiring(due))
    return RetentionPreview(at=at, recordings=recordings, total_bytes=size, items=tuple(shown))
