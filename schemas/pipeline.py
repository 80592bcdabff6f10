"""What a kind of job is made of: its steps, and which step comes after which. The API lists them before any ran."""

from enum import StrEnum

from schemas.model import Frozen


class JobType(StrEnum):
    """The kinds of job."""

    INGEST = "ingest"
    LECTURE = "lecture"
    DOCUMENT = "document"
    RENDER = "render"
    SCENE_DETECTION = "scene_detection"
    TRANSCRIPTION = "transcription"
    ANALYSIS = "analysis"
    EXPORT = "export"


class Plan(Frozen):
    """A step of a kind of job: the stage that does it, and the steps that must be completed before."""

    stage: str
    after: tuple[str, ...] = ()


TAKES_IN = frozenset({JobType.INGEST, JobType.LECTURE, JobType.DOCUMENT})
"""The kinds of job that take something in from the start: its status is that of the newest of them."""

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
    JobType.DOCUMENT: (Plan(stage="pages"), Plan(stage="analyse", after=("pages",))),
    JobType.RENDER: (Plan(stage="render"),),
    JobType.SCENE_DETECTION: (Plan(stage="scenes"),),
    JobType.TRANSCRIPTION: (Plan(stage="audio"), Plan(stage="transcribe", after=("audio",))),
    JobType.ANALYSIS: (Plan(stage="analyse"),),
    JobType.EXPORT: (Plan(stage="export"),),
}

READ_ORIGINAL = frozenset({"audio", "render", "scenes", "pages"})
"""The stages that read what the client sent."""

OF_DOCUMENTS = frozenset({JobType.DOCUMENT, JobType.ANALYSIS, JobType.EXPORT})
"""What can be done with a document."""

OF_RECORDINGS = frozenset(JobType) - {JobType.DOCUMENT}
"""What can be done with a recording of sound or picture."""

LIVE = "live"
"""The step that the job of a recording has before all others while its upload is still coming."""

OPTIONAL = frozenset({LIVE})
"""Steps whose job does without what they fail at: others do the same work later."""

STAGE_NAMES = tuple(dict.fromkeys((*(plan.stage for plans in PIPELINES.values() for plan in plans), LIVE)))
"""Every stage, by the name that its steps have."""


def dependents(job_type: JobType, stage: str) -> tuple[str, ...]:
    """The steps that cannot run without that one, in order, whether they wait for it directly or not."""
    found: list[str] = [stage]
    for plan in PIPELINES[job_type]:
        if any(needed in found for needed in plan.after):
            found.append(plan.stage)
    return tuple(found[1:])
