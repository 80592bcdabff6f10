"""One run of the reconciler: everything is looked at, then each finding is repaired by itself.

A kind of finding that says that documents or objects are missing is held when there are many of it: then one of the
stores is more likely the wrong one, or an old backup, than that so much was lost; and what such a repair removes does
not come back. A person who has looked may have it done all the same.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Collection

import structlog

from schemas.settings import Settings
from schemas.time import now
from stores.deletion import Deletion
from stores.errors import StoreUnavailable
from stores.reconciler.findings import Finding, Kind, Outcome, Report
from stores.reconciler.judgement import Ages
from stores.reconciler.repairs import Repairs
from stores.reconciler.survey import Survey

log = structlog.get_logger(__name__)

_PAUSE_SECONDS = 0.02
"""Between two pages of a listing or a collection: the reconciler is never in a hurry."""
_MOST_OF_A_KIND = 2000
"""How many findings of a kind a run takes on: any of them, so that what cannot be repaired keeps no other waiting."""
_FEW, _SHARE = 2, 10
"""Held are more than two and a tenth of the recordings."""
_AWAY = 3
"""After so many findings in a row that a store was away for, the run is over."""
_HELD = frozenset(
    {
        Kind.OBJECT_ORPHANED,
        Kind.SOURCE_MISSING,
        Kind.RENDITION_MISSING,
        Kind.JOB_ORPHANED,
        Kind.TRANSCRIPT_ORPHANED,
        Kind.PAGES_ORPHANED,
        Kind.ANALYSES_ORPHANED,
    }
)


class Reconciler:
    """Holds the stores against each other. Methods raise StoreUnavailable."""

    def __init__(self, deletion: Deletion, settings: Settings, pause: float = _PAUSE_SECONDS) -> None:
        self._deletion = deletion
        self._settings = settings
        self._pause = pause

    async def find(self) -> Report:
        """What is not as it should be, and what of it `run` would hold. Changes nothing."""
        report = await _found(self._survey())
        held = _suspicious(report)
        return report.model_copy(update={"findings": tuple(_if_held(finding, held) for finding in report.findings)})

    async def run(self, *, hold: bool = True) -> Report:
        """Finds and repairs; with `hold` not what there is suspiciously much of. A repeat finds nothing more to do."""
        survey, began = self._survey(), now()
        report = await _found(survey)
        held = _suspicious(report) if hold else frozenset()
        repairs = Repairs(survey, self._deletion, self._settings)
        findings = await _Turns(repairs, held).take(report.findings)
        await self._deletion.recordings.traces.sweep(began - survey.ages.trace)
        return report.model_copy(update={"findings": tuple(findings)})

    def _survey(self) -> Survey:
        stores = self._deletion
        return Survey(
            jobs=stores.jobs,
            all_recordings=stores.recordings,
            transcripts=stores.transcripts,
            document_pages=stores.pages,
            analyses=stores.analyses,
            arrivals=stores.arrivals,
            store=stores.objects,
            ages=Ages.of(self._settings),
            most_bytes=self._settings.max_upload_bytes,
            pause=self._pause,
        )


async def _found(survey: Survey) -> Report:
    """What the survey finds: all is counted, and of each kind some are kept, in the order in which they were found."""
    counts: Counter[Kind] = Counter()
    kept: dict[Kind, list[tuple[int, Finding]]] = defaultdict(list)
    async for finding in survey.findings():
        numbered, some = (counts.total(), finding), kept[finding.kind]
        counts[finding.kind] += 1
        if len(some) < _MOST_OF_A_KIND:
            some.append(numbered)
        elif (place := random.randrange(counts[finding.kind])) < _MOST_OF_A_KIND:  # noqa: S311 - not for secrets
            some[place] = numbered
    inorder = sorted((one for some in kept.values() for one in some), key=lambda numbered: numbered[0])
    findings = tuple(finding for _, finding in inorder)
    return Report(findings=findings, counts=dict(counts), recordings=survey.recordings, objects=survey.objects)


def _suspicious(report: Report) -> frozenset[Kind]:
    most = _FEW + report.recordings // _SHARE
    held = frozenset(kind for kind in _HELD if report.counts.get(kind, 0) > most)
    for kind in held:
        log.error("held: a store may be the wrong one", kind=kind.value, findings=report.counts[kind])
    return held


def _if_held(finding: Finding, held: Collection[Kind]) -> Finding:
    return finding.model_copy(update={"outcome": Outcome.HELD}) if finding.kind in held else finding


class _Turns:
    """The repairs of one run, one after the other: what goes wrong with one keeps no other from its turn."""

    def __init__(self, repairs: Repairs, held: Collection[Kind]) -> None:
        self._repairs = repairs
        self._held = held
        self._away = 0

    async def take(self, findings: Collection[Finding]) -> list[Finding]:
        """The findings with what came of each. Raises StoreUnavailable once a store is away for several in a row."""
        return [finding.model_copy(update={"outcome": await self._turn(finding)}) for finding in findings]

    async def _turn(self, finding: Finding) -> Outcome:
        outcome = Outcome.HELD if finding.kind in self._held else await self._repair(finding)
        log.info(
            "reconciled",
            kind=finding.kind.value,
            recording_id=finding.recording_id,
            subject=finding.subject,
            detail=finding.detail,
            outcome=outcome.value,
        )
        return outcome

    async def _repair(self, finding: Finding) -> Outcome:
        try:
            outcome = await self._repairs.repair(finding)
        except StoreUnavailable as error:
            self._away += 1
            if self._away == _AWAY:
                raise
            log.warning("a repair is put off", kind=finding.kind.value, reason=str(error))
            return Outcome.PUT_OFF
        except Exception:
            log.exception("a repair failed", kind=finding.kind.value, recording_id=finding.recording_id)
            return Outcome.PUT_OFF
        self._away = 0
        return outcome
