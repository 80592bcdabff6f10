"""What the caller has done: the newest entries, days in a row, and what a month has used."""

from datetime import UTC, date, datetime

from aiohttp import web

from api.keys import ACTIVITY, CALLER, PEOPLE
from schemas.activity import ActivityList, ActivityQuery, Entry, MonthUsage, Streak, UsageQuery
from schemas.time import now


async def index(request: web.Request, query: ActivityQuery) -> ActivityList:
    """What happened in the caller's account, newest first, a page at a time."""
    user = await request.app[PEOPLE].get(request[CALLER])
    today = now().date()
    since = user.created_at.date() if user else today
    before = _read(query.cursor) if query.cursor else None
    found = await request.app[ACTIVITY].newest(
        request[CALLER], query.limit + 1, before=before, since=since, today=today
    )
    page = found[: query.limit]
    return ActivityList(items=tuple(page), next_cursor=_cursor(page[-1]) if len(found) > len(page) else None)


def _cursor(entry: Entry) -> str:
    return f"{round(entry.at.timestamp() * 1000)}.{entry.id}"


def _read(cursor: str) -> tuple[datetime, str]:
    """The place that a cursor stands for. One from beyond our years is the present: everything comes before it."""
    milliseconds, _, entry_id = cursor.partition(".")
    try:
        return datetime.fromtimestamp(int(milliseconds) / 1000, UTC), entry_id
    except (ValueError, OverflowError, OSError):
        return now(), entry_id


async def streak(request: web.Request) -> Streak:
    """On how many days in a row the caller has done something."""
    return await request.app[ACTIVITY].streak(request[CALLER], now().date())


async def usage(request: web.Request, query: UsageQuery) -> MonthUsage:
    """What the caller has used in a month, what was deleted meanwhile included."""
    first = date.fromisoformat(f"{query.month}-01") if query.month else now().date().replace(day=1)
    counts = await request.app[ACTIVITY].month(request[CALLER], first)
    return MonthUsage(month=f"{first:%Y-%m}", **counts.model_dump())
