"""The table at the end, and for each fault what an operator would want to see of it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from bench.chaos.doors import Accepted, Refused
from bench.chaos.evidence import Evidence
from bench.chaos.plan import Blow
from bench.chaos.uploader import Sent
from bench.chaos.verdict import Fault, Finding


@dataclass
class Report:
    """A finished run. `seconds` is from the first upload to the last ending."""

    seed: int
    sent: tuple[Sent, ...]
    evidence: Evidence
    hits: Mapping[tuple[str, Blow], int]
    missed: Mapping[str, int]
    heard: Mapping[str, int]
    seconds: float
    findings: list[Finding] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether there is no fault."""
        return not self.findings

    def lines(self) -> Iterator[str]:
        """The table."""
        accepted = Counter(sent.upload.door for sent in self.sent if isinstance(sent.answer, Accepted))
        refused = sum(isinstance(sent.answer, Refused) for sent in self.sent)
        faults = Counter(finding.fault for finding in self.findings)
        steps = [step for job in self.evidence.jobs.values() for step in job["steps"]]
        yield _row("jobs", f"{accepted.total()} accepted of {len(self.sent)} sent, {refused} refused", accepted)
        for blow in Blow:
            dealt = Counter({target: count for (target, dealt), count in self.hits.items() if dealt is blow})
            yield _row(blow.value, f"{dealt.total()}", dealt)
        yield _row("not there to be hit", f"{sum(self.missed.values())}", self.missed)
        yield _row("clients came again", f"{sum(self.heard.values())}", self.heard)
        retries = sum(max(0, step["fence"] - 1) for step in steps)
        why = Counter(record["code"] for step in steps for record in step.get("history", ()))
        yield _row("retries", f"{retries} claims beyond the first", why)
        yield _row("republished", f"{self._republished()} facts, each with the id that it had")
        for fault, name in _NAMES.items():
            yield _row(name, f"{faults[fault]}")
        minutes = self.seconds / 60
        yield _row("all ended after", f"{minutes:.1f} minutes, {accepted.total() / minutes:.1f} jobs a minute")

    def faults(self) -> Iterator[str]:
        """Each fault, and then the documents of the jobs that they are about."""
        for finding in self.findings:
            yield f"{finding.fault.upper()} {finding.about}: {finding.why}"
        about = {finding.about for finding in self.findings}
        for job_id, job in self.evidence.jobs.items():
            if about & {job_id, job["recording_id"]}:
                yield _told({**job, "facts": [orjson.loads(fact)["type"] for fact in job.get("facts", ())]})
                yield _told(self.evidence.recordings.get(job["recording_id"], {}))

    def _republished(self) -> int:
        return len(self.evidence.facts) - len({fact["id"] for fact in self.evidence.facts})


_NAMES = {
    Fault.DUPLICATE: "duplicates",
    Fault.LOST: "lost",
    Fault.STUCK: "stuck",
    Fault.ORPHAN: "orphans",
    Fault.PROCESS: "processes left",
}


def _row(name: str, what: str, parts: Mapping[Any, int] | None = None) -> str:
    detail = ", ".join(f"{part} {count}" for part, count in sorted((parts or {}).items()))
    return f"{name:<22} {what}" + (f": {detail}" if detail else "")


def _told(document: Mapping[str, Any]) -> str:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2, default=str).decode()
