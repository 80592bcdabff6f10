"""What is to go of one recording: a pure function of its document, the rules and the time.

Only of what has come to its end: of a recording that failed nothing but the whole goes, since its original may be all
that there is, and a retry goes on from what was made.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from schemas.model import Frozen
from schemas.recordings import Recording, RecordingKind, RecordingStatus
from schemas.retention import Basis, Matter, Rule
from stores import keys
from stores.objects import Listed


class Due(Frozen):
    """What of a recording is to go, and by which rules."""

    recording: Recording
    what: tuple[Matter, ...]
    rules: tuple[str, ...]

    @property
    def total_bytes(self) -> int:
        """About how many bytes that are, as the document says."""
        whole = Matter.EVERYTHING in self.what
        original = self.recording.size_bytes if self.recording.original_there else 0
        made = sum(rendition.size_bytes for rendition in self.recording.renditions)
        return (original if whole or Matter.ORIGINALS in self.what else 0) + (
            made if whole or Matter.RENDITIONS in self.what else 0
        )


def judge(recording: Recording, rules: Iterable[Rule], at: datetime) -> Due | None:
    """What is to go of the recording at that moment; None for nothing. A folder's hold and jobs are not looked at."""
    if recording.deleted_at is not None or recording.hold is not None:
        return None
    matched = [rule for rule in rules if _matches(rule, recording, at) and rule.what in _possible(recording)]
    if not matched:
        return None
    wanted = {rule.what for rule in matched}
    what = (Matter.EVERYTHING,) if Matter.EVERYTHING in wanted else tuple(sorted(wanted))
    return Due(recording=recording, what=what, rules=tuple(sorted(rule.id for rule in matched)))


def _matches(rule: Rule, recording: Recording, at: datetime) -> bool:
    since = recording.created_at if rule.by is Basis.CREATED else recording.updated_at
    mine = rule.owner_id in (None, recording.owner_id) and rule.course_id in (None, recording.project_id)
    return mine and at - since > timedelta(days=rule.older_than_days)


def _possible(recording: Recording) -> set[Matter]:
    """What can go of a recording as it is. A document is read as it was sent: it goes as a whole, or not at all."""
    ended = recording.status is RecordingStatus.COMPLETED
    if recording.status is RecordingStatus.FAILED or (ended and recording.kind is RecordingKind.DOCUMENT):
        return {Matter.EVERYTHING}
    if not ended:
        return set()
    originals = {Matter.ORIGINALS} if recording.original_there else set()
    renditions = {Matter.RENDITIONS} if recording.renditions else set()
    return {Matter.EVERYTHING} | originals | renditions


def leftovers(recording: Recording, objects: Mapping[str, Listed]) -> list[Listed]:
    """The objects of the recording that have gone by a rule, as its document says, and are still there.

    What was made anew since, or is being made, is none of them.
    """
    made = {rendition.key for rendition in recording.renditions} | {picture.key for picture in recording.thumbnails}
    return [
        found
        for key, found in objects.items()
        if (_original_left(recording, key) or _derived_left(recording, found)) and key not in made
    ]


def _original_left(recording: Recording, key: str) -> bool:
    return recording.original_expired_at is not None and key == recording.object_key


def _derived_left(recording: Recording, found: Listed) -> bool:
    expired = recording.renditions_expired_at
    return expired is not None and found.modified <= expired and found.key.startswith(keys.derived(recording.id))
