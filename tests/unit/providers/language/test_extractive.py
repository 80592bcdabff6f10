"""The offline analyst on known texts. What it shares with the others is in the contract suite."""

import asyncio

import pytest

from providers.language.extractive import Extractive, extract
from schemas.transcripts import Segment, Transcript

LECTURE = (
    "Welcome back everyone.",
    "Today we talk about photosynthesis.",
    "Photosynthesis turns light into chemical energy inside the chloroplasts of a plant.",
    "Um, okay.",
    "The light reactions split water and release oxygen.",
    "The Calvin cycle then uses that chemical energy to build sugar from carbon dioxide.",
    "So without light there is no sugar, and without photosynthesis there is no oxygen for us.",
    "See you next time.",
)


def transcript_of(lines: tuple[str, ...], language: str | None = "en") -> Transcript:
    segments = [
        Segment(id=number, start=number * 5.0, end=number * 5 + 4.5, text=line) for number, line in enumerate(lines)
    ]
    return Transcript(language=language, segments=tuple(segments))


def test_the_summary_is_made_of_the_sentences_that_carry_the_matter() -> None:
    summary = extract(transcript_of(LECTURE)).summary
    assert "photosynthesis" in summary.text.lower()
    assert "Um" not in summary.text
    assert len(summary.text) < len(" ".join(LECTURE)) * 0.7
    assert all(LECTURE[citation.segment_id] in summary.text for citation in summary.citations)


def test_key_points_come_in_order_and_none_twice() -> None:
    points = extract(transcript_of(LECTURE * 3)).key_points.items
    assert [point.at for point in points] == sorted(point.at for point in points)
    assert len({point.text for point in points}) == len(points) > 1


def test_a_long_recording_is_summarised_from_beginning_to_end() -> None:
    lines = tuple(f"Chapter {number} treats topic{number} and its consequences in detail." for number in range(300))
    starts = [citation.start for citation in extract(transcript_of(lines)).summary.citations]
    assert len(starts) == 8
    assert starts[0] < 300
    assert starts[-1] > 1200


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        ("de", ("Heute geht es um Photosynthese.", "Die Photosynthese wandelt Licht in Energie um.", "Danke.")),
        ("ja", ("今日は光合成について話します。", "光合成は光をエネルギーに変えます。", "はい。")),
        ("xx", ("Zum balu trok.", "Balu trok meni fasu.", "Ok.")),
    ],
)
def test_other_languages_are_summarised_without_guessing_moods_and_actions(
    language: str, lines: tuple[str, ...]
) -> None:
    analyses = extract(transcript_of(lines, language))
    assert analyses.summary.text
    assert analyses.key_points.items
    assert analyses.action_items.items == ()
    assert (analyses.sentiment.label, analyses.sentiment.timeline) == ("neutral", ())


async def test_the_loop_goes_on_meanwhile() -> None:
    analysing = asyncio.create_task(Extractive().analyse(transcript_of(LECTURE * 100)))
    turns = 0
    while not analysing.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 3
    assert (await analysing).summary.extractive
