"""What a kind of job is made of: its steps, and which step comes after which. The API lists them before any ran."""

from enum import StrEnum

from schemas.model import Frozen


class JobType(StrEnum):
    """The kinds of job."""

    INGEST = "ingest"
    LECTURE = "lecture"
    RENDER = "render"
    SCENE_DETECTION = "scene_detection"
    TRANSCRIPTION = "transcription"
    ANALYSIS = "analysis"
    EXPORT = "export"


class Plan(Frozen):
    """A step of a kind of job: the stage that does it, and the steps that must be completed before."""

    stage: str
    after: tuple[str, ...] = ()


TAKES_IN = frozenset({JobType.INGEST, JobType.LECTURE})
"""The kinds of job that take a recording in from the start: its status is theirs."""

PIPELINES: dict[JobType, tuple[Plan, ...]] = {
    JobType.INGEST: (
        Plan(stage="audio"),
        Plan(stage="render"),
        Plan(stage="transcribe", after=("audio",)),
        Plan(stage="analyse", after=("transcribe",)),
    ),
    JobType.LECTURE: (
        Plan(stage="download"),
        Plan(stage="audio", after=("download",)),
        Plan(stage="render", after=("download",)),
        Plan(stage="transcribe", after=("audio",)),
        Plan(stage="analyse", after=("transcribe",)),
    ),
    JobType.RENDER: (Plan(stage="render"),),
    JobType.SCENE_DETECTION: (Plan(stage="scenes"),),
    JobType.TRANSCRIPTION: (Plan(stage="audio"), Plan(stage="transcribe", after=("audio",))),
    JobType.ANALYSIS: (Plan(stage="analyse"),),
    JobType.EXPORT: (Plan(stage="export"),),
}

READ_ORIGINAL = frozenset({"audio", "render", "scenes"})
"""The stages that read what the client sent."""

STAGE_NAMES = tuple(dict.fromkeys(plan.stage for plans in PIPELINES.values() for plan in plans))
"""Every stage, by the name that its steps have."""


def dependents(job_type: JobType, stage: str) -> tuple[str, ...]:
    """The steps that cannot run without that one, in order, whether they wait for it directly or not."""
    found: list[str] = [stage]
    for plan in PIPELINES[job_type]:
        if any(needed in found for needed in plan.after):
            found.append(plan.stage)
    return tuple(found[1:])
