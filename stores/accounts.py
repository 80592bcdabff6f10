"""All that an account has in any store, in one list: what erasing it has to go through.

A store that keeps something of people has its line here, and a test looks through all collections for what was left.
"""

from datetime import timedelta

from schemas.time import now
from stores.activity import Activity
from stores.api_keys import ApiKeys
from stores.audit import AuditLog
from stores.deletion import Deletion
from stores.documents import Database
from stores.erasure import GRACE, Eraser, Erasures
from stores.lectures import Lectures
from stores.letting_go import LettingGo
from stores.people import People
from stores.places import Places
from stores.retention import Rules
from stores.sessions import Sessions


def eraser_of(database: Database, deletion: Deletion, grace: timedelta = GRACE) -> Eraser:
    """What erases accounts from the stores of that database, and from those of the deletion."""
    people, sessions, activity = People(database), Sessions(database), Activity(database)
    keys, audit, rules, places = ApiKeys(database), AuditLog(database), Rules(database), Places(database)
    lectures = Lectures(database)
    letting_go = LettingGo(lectures, deletion)
    return Eraser(
        erasures=Erasures(database),
        deletion=deletion,
        lectures=lectures,
        close=people.close,
        stores={
            "lectures": lambda erasure: letting_go.forget(erasure.id),
            "sessions": lambda erasure: sessions.forget(erasure.id),
            "api_keys": lambda erasure: keys.forget(erasure.id),
            "days_of_activity": lambda erasure: activity.forget(erasure.id, erasure.since.date(), now().date()),
            "courses_and_projects": lambda erasure: deletion.folders.forget(erasure.id),
            "places_in_lists": lambda erasure: places.forget(erasure.id),
            "retention_rules": lambda erasure: rules.forget(erasure.id),
            "acts": lambda erasure: audit.forget(erasure.id),
        },
        grace=grace,
    )
