"""The pipeline as a whole: every step has its stage, nothing waits for itself, and somebody says what it waits for."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import api
import streams.stages
from schemas.events import Event
from schemas.pipeline import LIVE, PIPELINES, JobType, dependents
from schemas.settings import Settings
from schemas.topics import Topic
from streams.stages import STAGES

ROOT = Path(api.__file__).parent.parent


def events_made_in(folder: Path) -> set[str]:
    """The names of the events that are built anywhere in a folder's code."""
    known = {event.__name__ for event in Event.__subclasses__()}
    calls = (
        node.func.id
        for file in folder.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    )
    return known & set(calls)


def test_every_step_has_its_stage_and_every_stage_its_step():
    assert {plan.stage for plans in PIPELINES.values() for plan in plans} | {LIVE} == set(STAGES)
    assert all(name == stage.name for name, stage in STAGES.items())


@pytest.mark.parametrize("job_type", JobType)
def test_nothing_waits_for_itself(job_type):
    plans = PIPELINES[job_type]
    order = tuple(TopologicalSorter({plan.stage: plan.after for plan in plans}).static_order())
    assert set(order) == {plan.stage for plan in plans}
    for number, plan in enumerate(plans):
        assert set(plan.after) <= {earlier.stage for earlier in plans[:number]}, "dependents() reads them in order"


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_what_wakes_a_stage_comes_on_its_topic_and_somebody_puts_it_out(stage):
    made = events_made_in(ROOT / "stores") | events_made_in(Path(streams.stages.__file__).parent)
    for event in stage.accepts:
        assert event.topic is stage.consumes
        assert event.__name__ in made


def test_a_stage_that_no_fact_wakes_is_asked_for_by_name():
    asked_for = {stage.name for stage in STAGES.values() if not stage.accepts}
    assert all(STAGES[name].consumes is Topic.JOBS for name in asked_for)
    at_once = {plans[0].stage for job_type, plans in PIPELINES.items() if job_type is not JobType.INGEST}
    assert asked_for <= at_once
    waiting = {plan.stage for plans in PIPELINES.values() for plan in plans if plan.after}
    assert not asked_for & waiting, "when its turn comes, nobody would wake it"


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_a_stage_has_a_limit(stage):
    assert 0 < stage.limit(Settings()) < 24 * 3600


def test_what_needs_a_stage():
    assert dependents(JobType.INGEST, "audio") == ("transcribe", "analyse")
    assert dependents(JobType.INGEST, "render") == ()
    assert dependents(JobType.INGEST, "analyse") == ()
