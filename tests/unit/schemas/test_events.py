"""Events: what a reader gets is what was put out, an id that a repeat makes again, and headers that match."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.events import SOURCE, Event, event_id, headers, read_event
from schemas.topics import TOPICS, Topic
from stores.outbox import progressed
from tests.unit.stores.jobs import a_job, a_recording, available, result_of, uploaded


def every_event() -> list[Event]:
    job = a_job()
    ends = [result_of(job, stage) for stage in ("audio", "render", "transcribe", "analyse")]
    return [uploaded(a_recording()), available(job), *ends, progressed(job)]


@pytest.mark.parametrize("event", every_event(), ids=lambda event: event.type)
def test_a_reader_gets_what_was_put_out(event):
    assert read_event(event.model_dump_json()) == event
    assert read_event(event.model_dump(mode="json")) == event


@pytest.mark.parametrize("event", every_event(), ids=lambda event: event.type)
def test_a_reader_of_today_reads_what_a_later_version_adds(event):
    later = {**event.model_dump(mode="json"), "invented_later": {"a": 1}}
    assert read_event(json.dumps(later)) == event


@given(st.binary(max_size=200))
def test_anything_else_is_a_validation_error(value):
    with pytest.raises(ValidationError):
        read_event(value)


def test_another_version_of_the_schema_is_refused():
    event = {**uploaded(a_recording()).model_dump(mode="json"), "schema_version": 2}
    with pytest.raises(ValidationError, match="schema_version"):
        read_event(event)


def test_an_id_is_the_same_at_every_repeat_and_different_for_everything_else():
    assert event_id("a", "job") == event_id("a", "job")
    assert len({event_id("a", "job"), event_id("b", "job"), event_id("a", "job2"), event_id("a", "job", "1")}) == 4


@pytest.mark.parametrize("event", every_event(), ids=lambda event: event.type)
def test_headers_are_those_of_cloudevents(event):
    found = {name: value.decode() for name, value in headers(event)}
    assert (found["ce_id"], found["ce_type"], found["ce_source"]) == (event.id, f"tidemark.{event.type}", SOURCE)
    assert found["ce_subject"] == event.key
    assert found["content-type"] == "application/json"


def test_the_key_keeps_what_belongs_together_in_order():
    by_topic = {spec.topic: spec for spec in TOPICS}
    for event in every_event():
        assert event.key == getattr(event, by_topic[event.topic].key)


def test_every_topic_has_one_place_in_the_table():
    assert sorted(spec.topic for spec in TOPICS) == sorted(Topic)
    assert {event.topic for event in Event.__subclasses__()} == set(Topic)
