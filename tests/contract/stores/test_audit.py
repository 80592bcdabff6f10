"""Acts on record: newest first, of one person or of all, until they are old."""

import pytest

from schemas.audit import AuditEvent
from stores.audit import AuditLog
from stores.errors import Duplicate
from tests.unit.stores.jobs import later


@pytest.fixture
async def audit(database) -> AuditLog:
    audit = AuditLog(database)
    for _ in range(2):
        await audit.prepare()
    return audit


def event(number: int, user_id: str | None = "ada", action: str = "sessions.log_in") -> AuditEvent:
    return AuditEvent(
        id=f"e{number}",
        at=later(number),
        action=action,
        outcome="done",
        user_id=user_id,
        key_id=None,
        address="192.0.2.1",
        request_id="r",
        about={"id": "x"},
    )


async def test_acts_are_listed_newest_first_and_by_whose_and_what(audit):
    events = [event(1), event(2, "bob"), event(3, None), event(4, action="recordings.delete"), event(5)]
    for stored in events:
        await audit.add(stored)
    assert await audit.newest(9) == events[::-1]
    assert [found.id for found in await audit.newest(2, user_id="ada")] == ["e5", "e4"]
    assert [found.id for found in await audit.newest(9, user_id="ada", before="e4")] == ["e1"]
    assert [found.id for found in await audit.newest(9, action="recordings.delete")] == ["e4"]


async def test_an_act_is_written_once(audit):
    await audit.add(event(1))
    with pytest.raises(Duplicate):
        await audit.add(event(1, "eve"))


async def test_what_is_old_is_forgotten(audit):
    for number in range(3):
        await audit.add(event(number))
    for _ in range(2):
        await audit.sweep(later(2))
    assert [found.id for found in await audit.newest(9)] == ["e2"]
