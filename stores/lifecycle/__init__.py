"""What may happen to a job: the transitions of its document, as pure functions.

Each takes the job and changes it in place; stores/jobs makes one compare-and-set write of the result. A transition
that the job's state does not allow raises: Refused for a claim, LeaseLost for an owner whose fence is old. Invariants:
one owner at a time; a fence only grows; nothing changes a step that has ended but a retry; every job ends.
"""

from stores.lifecycle.beginning import lecture_job, live_job, new_job, requested_job, retry, take_in
from stores.lifecycle.state import MOST_LOSSES, WORKER_LOST, Refused
from stores.lifecycle.tending import cancel, expire, next_look, owes_only, published, wait, wake
from stores.lifecycle.working import (
    MOST_RETURNS,
    claim,
    complete,
    fail,
    give_back,
    note,
    put_off,
    put_out,
    renew,
    report,
    retry_later,
)

__all__ = [
    "MOST_LOSSES",
    "MOST_RETURNS",
    "WORKER_LOST",
    "Refused",
    "cancel",
    "claim",
    "complete",
    "expire",
    "fail",
    "give_back",
    "lecture_job",
    "live_job",
    "new_job",
    "next_look",
    "note",
    "owes_only",
    "published",
    "put_off",
    "put_out",
    "renew",
    "report",
    "requested_job",
    "retry",
    "retry_later",
    "take_in",
    "wait",
    "wake",
]
