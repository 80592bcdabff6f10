"""What is to go of a recording, by its age, its state and the rules that reach it."""

from datetime import timedelta

import pytest

from schemas.holds import Hold
from schemas.ids import new_id
from schemas.jobs import Failure
from schemas.media import Rendition, RenditionKind
from schemas.recordings import SOURCE_MISSING, RecordingKind, RecordingStatus
from schemas.retention import Basis, Matter, Rule
from stores.objects import Listed
from stores.retention import judge, leftovers
from tests.unit.stores.jobs import START, a_recording

AT = START + timedelta(days=100)
COMPLETED, FAILED = RecordingStatus.COMPLETED, RecordingStatus.FAILED


def a_rule(what: Matter = Matter.ORIGINALS, days: int = 90, **fields) -> Rule:
    made = {"id": new_id(), "owner_id": "ada", "by": Basis.CREATED, "created_at": START, **fields}
    return Rule(**made, what=what, older_than_days=days)


def a_whole(**fields):
    made = Rendition(kind=RenditionKind.VIDEO, content_type="video/mp4", size_bytes=300, key="video")
    return a_recording(**{"status": COMPLETED, "renditions": [made], **fields})


def what(recording, *rules) -> list[str]:
    due = judge(recording, rules, AT)
    return [] if due is None else [matter.value for matter in due.what]


@pytest.mark.parametrize(
    ("rule", "goes"),
    [
        (a_rule(), True),
        (a_rule(days=100), False),
        (a_rule(days=99, by=Basis.CHANGED), False),
        (a_rule(days=10, by=Basis.CHANGED), True),
        (a_rule(owner_id=None), True),
        (a_rule(owner_id="bob"), False),
        (a_rule(course_id="biology"), True),
        (a_rule(course_id="physics"), False),
    ],
)
def test_a_rule_reaches_what_is_old_enough_and_its_owners(rule, goes):
    recording = a_whole(project_id="biology", updated_at=AT - timedelta(days=20))
    assert what(recording, rule) == (["originals"] if goes else [])


@pytest.mark.parametrize(
    ("state", "goes"),
    [
        ({}, ["originals", "renditions"]),
        ({"original_expired_at": START}, ["renditions"]),
        ({"renditions": []}, ["originals"]),
        ({"status": FAILED}, []),
        ({"status": RecordingStatus.PROCESSING}, []),
        ({"status": RecordingStatus.AWAITING_UPLOAD}, []),
        ({"hold": Hold(reason="Case 1", by="root", at=START)}, []),
        ({"deleted_at": START}, []),
        ({"error": Failure(code=SOURCE_MISSING, detail="Gone.")}, ["renditions"]),
    ],
)
def test_only_what_is_there_goes_and_never_the_only_copy(state, goes):
    assert what(a_whole(**state), a_rule(), a_rule(Matter.RENDITIONS)) == goes


def test_everything_takes_all_else_along_even_of_what_failed():
    rules = a_rule(Matter.EVERYTHING), a_rule()
    for status in (COMPLETED, FAILED):
        assert what(a_whole(status=status), *rules) == ["everything"]
    assert what(a_whole(status=RecordingStatus.PROCESSING), *rules) == []


def test_a_document_goes_as_a_whole_or_not_at_all():
    document = a_whole(kind=RecordingKind.DOCUMENT)
    assert what(document, a_rule(), a_rule(Matter.RENDITIONS)) == []
    assert what(document, a_rule(), a_rule(Matter.EVERYTHING)) == ["everything"]


def test_what_goes_is_measured_and_its_rules_are_named():
    recording, rules = a_whole(), [a_rule(), a_rule(Matter.RENDITIONS), a_rule(days=1000)]
    due = judge(recording, rules, AT)
    assert (due.total_bytes, set(due.rules)) == (1300, {rules[0].id, rules[1].id})
    assert judge(recording, [rules[0]], AT).total_bytes == 1000
    gone = a_whole(original_expired_at=START)
    assert judge(gone, [a_rule(Matter.EVERYTHING)], AT).total_bytes == 300


def test_leftovers_are_what_has_gone_and_nothing_that_was_made_since():
    recording = a_whole(original_expired_at=AT, renditions_expired_at=AT)
    prefix = f"recordings/{recording.id}"

    def listed(name: str, days: int = -1) -> Listed:
        return Listed(key=f"{prefix}/{name}", size_bytes=1, etag="", modified=AT + timedelta(days=days))

    again = Rendition(kind=RenditionKind.VIDEO, content_type="video/mp4", size_bytes=1, key=f"{prefix}/renditions/v")
    recording = recording.model_copy(update={"renditions": [again]})
    left = [listed("original", 1), listed("speech/000000.pcm"), listed("thumbnails/0000.jpg"), listed("renditions/a")]
    kept = [listed("renditions/v"), listed("renditions/new", 1), listed("notes")]
    objects = {found.key: found for found in (*left, *kept)}
    assert leftovers(recording, objects) == left
    assert leftovers(a_whole(), objects) == []
