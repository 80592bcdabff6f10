"""What the reconciler can find, and what can come of it."""

from enum import StrEnum

from schemas.model import Frozen


class Kind(StrEnum):
    """The kinds of finding. What is done about each is in stores/reconciler/repairs."""

    UPLOAD_STORED = "upload_stored"
    UPLOAD_ABANDONED = "upload_abandoned"
    UPLOAD_PARTS = "upload_parts"
    EXPIRY_UNFINISHED = "expiry_unfinished"
    UPLOAD_REMAINS = "upload_remains"
    DELETION_UNFINISHED = "deletion_unfinished"
    OBJECT_LATE = "object_late"
    OBJECT_ORPHANED = "object_orphaned"
    SOURCE_MISSING = "source_missing"
    SOURCE_CHANGED = "source_changed"
    RENDITION_MISSING = "rendition_missing"
    JOB_MISSING = "job_missing"
    JOB_ORPHANED = "job_orphaned"
    TRANSCRIPT_ORPHANED = "transcript_orphaned"
    PAGES_ORPHANED = "pages_orphaned"
    ANALYSES_ORPHANED = "analyses_orphaned"


class Outcome(StrEnum):
    """What came of a finding.

    found: nothing was to be done, or not yet · repaired · reported: there is nothing that could be done · settled: when
    its turn came it was so no longer · held: so many of its kind that a store may be the wrong one · put_off: something
    that the repair needs is away, or the queue has no place for it.
    """

    FOUND = "found"
    REPAIRED = "repaired"
    REPORTED = "reported"
    SETTLED = "settled"
    HELD = "held"
    PUT_OFF = "put_off"


class Finding(Frozen):
    """One thing that is not as it should be. `subject` is what it is about: a key, an upload or a job; may be empty."""

    kind: Kind
    recording_id: str
    subject: str = ""
    detail: str
    outcome: Outcome = Outcome.FOUND


class Report(Frozen):
    """What one run found and did. `findings` has at most some thousands of a kind, `counts` are of all."""

    findings: tuple[Finding, ...]
    counts: dict[Kind, int]
    recordings: int
    objects: int
