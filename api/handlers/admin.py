"""For administrators: dead letters, stages that have stopped, and what everybody did."""

from aiohttp import web

from api.handlers.account import acts
from api.keys import AUDIT, LETTERS, REPLAY, WORKERS
from schemas.account import EveryonesAuditQuery
from schemas.audit import AuditList
from schemas.letters import Letter, LetterList, Replayed, page
from schemas.pipeline import STAGE_NAMES
from schemas.problems import Problem
from schemas.requests import LetterQuery
from schemas.time import now
from schemas.workers import StageList, StageResumed
from stores.workers import by_stage

_LONGEST_NUMBER = 18


async def letters(request: web.Request, query: LetterQuery) -> LetterList:
    """The dead letters, newest first, a page at a time."""
    before = int(query.cursor) if query.cursor else None
    return page(await request.app[LETTERS].newest(query.limit + 1, before), query.limit)


async def letter(request: web.Request) -> Letter:
    """A dead letter with the history of its attempts and what it is about."""
    found = await request.app[LETTERS].get(_number(request))
    if found is None:
        raise Problem("not_found", "There is no such dead letter, or no longer.")
    return found


async def replay(request: web.Request) -> Replayed:
    """Sets the letter's job going at its failed steps, or puts its message on its topic again as it was.

    A repeat is harmless: a job that is not over, or has completed, is refused.
    """
    return await request.app[REPLAY].replay(_number(request))


def _number(request: web.Request) -> int:
    number = request.match_info["number"]
    if not (number.isascii() and number.isdigit() and len(number) <= _LONGEST_NUMBER):
        raise Problem("not_found", "There is no such dead letter.")
    return int(number)


async def stages(request: web.Request) -> StageList:
    """Every stage with the workers that live, how busy they are, and why one is stopped."""
    return StageList(items=by_stage(await request.app[WORKERS].alive(now())))


async def resume(request: web.Request) -> StageResumed:
    """Tells a stage that has stopped to go on: its workers do within a few seconds. A repeat is harmless."""
    stage, at = request.match_info["stage"], now()
    if stage not in STAGE_NAMES:
        raise Problem("not_found", "There is no such stage.")
    await request.app[WORKERS].resume(stage, at)
    return StageResumed(stage=stage, resumed_at=at)


async def audit(request: web.Request, query: EveryonesAuditQuery) -> AuditList:
    """What was done with whose account, newest first: log-ins, keys, passwords, deletions, acts of administrators."""
    found = await request.app[AUDIT].newest(
        query.limit + 1, before=query.cursor, user_id=query.user_id, action=query.action
    )
    return acts(found, query.limit)
