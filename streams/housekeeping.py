"""Housekeeping every RECONCILE_SECONDS, in one worker process over all of them: the reconciler, then retention."""

import asyncio
import random
import time

import structlog

from schemas.failures import Retryable
from stores.deletion import Deletion
from stores.reconciler import Kind, Outcome, Reconciler, Report
from stores.retention import Keeper
from streams import metrics
from streams.duty import do_if_due
from streams.resources import Resources

log = structlog.get_logger(__name__)

DUTY = "reconcile"
_LOOKS = 4
"""How often in the time between two runs a process looks whether the next one is due."""


def deletion_of(resources: Resources) -> Deletion:
    """What destroys recordings, on the stores of this process."""
    return Deletion(
        jobs=resources.jobs,
        recordings=resources.recordings,
        transcripts=resources.transcripts,
        pages=resources.pages,
        copies=resources.copies,
        analyses=resources.analyses,
        arrivals=resources.arrivals,
        objects=resources.objects,
        outbox=resources.outbox,
        publisher=resources.publisher,
        folders=resources.folders,
    )


class Housekeeping:
    """Keeps house for as long as it runs. Cancel it to end it: whatever it was at is taken up by another."""

    def __init__(self, resources: Resources, owner: str) -> None:
        self._duties = resources.duties
        self._owner = owner
        self._every = resources.settings.reconcile_seconds
        deletion = deletion_of(resources)
        self._reconciler = Reconciler(deletion, resources.settings)
        self._keeper = Keeper(deletion, resources.rules)
        for kind in Kind:  # from zero on, so that the first one shows as an increase
            for outcome in (Outcome.REPAIRED, Outcome.HELD):
                metrics.FINDINGS.labels(kind.value, outcome.value)

    async def run(self) -> None:
        """Looks again and again whether it is time, with a jitter so that many processes do not look in step."""
        while True:
            await asyncio.sleep(self._every / _LOOKS * random.uniform(0.5, 1.5))  # noqa: S311 - not for secrets
            try:
                await self.look()
            except Retryable as error:
                log.warning("housekeeping put off", error=str(error))
            except Exception:  # what cannot be read now must not end the worker
                log.exception("housekeeping broke off")

    async def look(self) -> bool:
        """Keeps house if it is time and nobody else does; whether it did. Raises StoreUnavailable."""
        return await do_if_due(self._duties, DUTY, self._owner, self._keep_house, self._every)

    async def _keep_house(self) -> None:
        began = time.monotonic()
        report = await self._reconciler.run()
        _count(report)
        expired = await self._keeper.run()
        metrics.EXPIRED_BYTES.inc(sum(one.total_bytes for one in expired))
        outcomes = {kind.value: count for kind, count in report.counts.items()}
        log.info(
            "house kept",
            recordings=report.recordings,
            objects=report.objects,
            expired=len(expired),
            seconds=round(time.monotonic() - began, 1),
            **outcomes,
        )


def _count(report: Report) -> None:
    metrics.RECONCILED.set_to_current_time()
    for finding in report.findings:
        metrics.FINDINGS.labels(finding.kind.value, finding.outcome.value).inc()
