"""Findings, checked and put together."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from providers.language.findings import Checked, Findings, assemble, schema_of
from schemas.transcripts import Segment

SEGMENTS = [Segment(id=number, start=number * 10.0, end=number * 10 + 9.0, text="words") for number in range(6)]


def found(segments: list[Segment], **changes: Any) -> Checked:
    plain: dict[str, Any] = {
        "summary": "A part.",
        "summary_segments": [segments[0].id],
        "action_items": [],
        "key_points": [],
        "sentiment_label": "neutral",
        "sentiment_score": 0,
        "sentiment_over_time": [],
    }
    return Checked(Findings.model_validate(plain | changes), segments)


def test_a_part_may_only_speak_of_its_own_segments() -> None:
    points = [{"text": "Mine.", "segment": 1}, {"text": "Not mine.", "segment": 4}]
    analyses = assemble([found(SEGMENTS[:3], key_points=points, summary_segments=[4, 2])], "All.", "x")
    assert [(point.text, point.at) for point in analyses.key_points.items] == [("Mine.", 10.0)]
    assert [citation.segment_id for citation in analyses.summary.citations] == [2]


def test_items_come_in_order_of_their_moment_and_only_once() -> None:
    first = found(SEGMENTS[:3], action_items=[{"text": "Call  Bob.", "segment": 2}, {"text": "Pay.", "segment": 0}])
    second = found(SEGMENTS[3:], action_items=[{"text": "call bob", "segment": 3, "due": "today"}])
    items = assemble([first, second], "All.", "x").action_items.items
    assert [(item.text, item.at) for item in items] == [("Pay.", 0.0), ("Call  Bob.", 20.0)]


@pytest.mark.parametrize(
    ("moods", "label", "score"),
    [
        ([("positive", 0.8), ("positive", 0.4)], "positive", 0.6),
        ([("positive", 0.8), ("negative", -0.8)], "mixed", 0.0),
        ([("neutral", 0.0), ("negative", -0.9)], "negative", -0.45),
        ([("neutral", 0.0), ("positive", 9.0)], "positive", 0.5),
        ([("neutral", 0.1), ("positive", 0.1)], "neutral", 0.1),
    ],
)
def test_the_mood_of_the_whole_weighs_its_parts(moods: list[tuple[str, float]], label: str, score: float) -> None:
    parts = [
        found(SEGMENTS[number * 3 : number * 3 + 3], sentiment_label=name, sentiment_score=value)
        for number, (name, value) in enumerate(moods)
    ]
    sentiment = assemble(parts, "All.", "x").sentiment
    assert (sentiment.label, sentiment.score) == (label, score)


def test_a_stretch_the_wrong_way_round_is_dropped() -> None:
    wrong = {"first_segment": 2, "last_segment": 0, "label": "positive", "score": 1}
    assert assemble([found(SEGMENTS, sentiment_over_time=[wrong])], "All.", "x").sentiment.timeline == ()


def test_an_empty_summary_is_no_answer() -> None:
    with pytest.raises(ValidationError):
        found(SEGMENTS, summary=" ")


def test_the_schema_keeps_to_what_gemini_documents() -> None:
    schema = schema_of(Findings)
    assert not {'"title"', '"default"', '"minLength"'} & set(json.dumps(schema).replace(":", " ").split())
    assert "owner" in schema["$defs"]["FoundAction"]["properties"]
    assert set(schema["$defs"]["FoundAction"]["required"]) == {"text", "segment"}
