"""`tidemark reconcile`: documents and objects held against each other now, without waiting for a worker to do it."""

from collections.abc import Iterator

from deploy.operate.output import say, say_json, table
from schemas.settings import Settings
from stores.reconciler import Outcome, Reconciler, Report
from streams.housekeeping import deletion_of
from streams.resources import open_resources


async def reconcile(settings: Settings, *, dry_run: bool, everything: bool, as_json: bool) -> None:
    """Finds what does not match and repairs it, with `dry_run` only finds; says what it found and what came of it.

    With `everything` also what is held. Raises StoreUnavailable.
    """
    async with open_resources(settings) as resources:
        reconciler = Reconciler(deletion_of(resources), settings)
        report = await (reconciler.find() if dry_run else reconciler.run(hold=not everything))
    if as_json:
        say_json(report)
    else:
        say(*_told(report))


def _told(report: Report) -> Iterator[str]:
    if report.findings:
        yield from table(("FINDING", "OUTCOME", "RECORDING", "DETAIL"), list(_rows(report)))
    total = sum(report.counts.values())
    findings = "1 finding" if total == 1 else f"{total or 'no'} findings"
    yield f"Looked at {report.recordings} recordings and {report.objects} objects: {findings}."
    if total > len(report.findings):
        yield f"Here are {len(report.findings)} of them: run it again for the others."
    if any(finding.outcome is Outcome.HELD for finding in report.findings):
        yield "Held: so much is missing that the database or the bucket may be the wrong one. If not: --all"


def _rows(report: Report) -> Iterator[tuple[str, ...]]:
    for finding in report.findings:
        detail = f"{finding.detail} {finding.subject}".strip()
        yield finding.kind.value, finding.outcome.value, finding.recording_id, detail
