"""What every analyst does, asked of the extractive one and of the real Google SDK."""

from collections.abc import AsyncIterator, Iterable

import pytest

from providers.language import Analyst
from providers.language.extractive import Extractive
from providers.language.face import NO_SPEECH
from providers.language.gemini import Gemini
from schemas.analyses import Analyses, Citation
from schemas.transcripts import Segment, Transcript
from tests.contract.providers.conftest import settings_for
from tests.contract.providers.fake_gemini import FakeGemini

MEETING = (
    "The release went out on Monday and the feedback has been great, customers love the new dashboard.",
    "There is one serious problem: the export to PDF crashes when a report has more than fifty pages.",
    "I will send a fix for the export by Thursday.",
    "Anna will update the documentation before the end of the week.",
    "Thank you all, this was a really productive meeting.",
)


def transcript_of(*lines: str, language: str | None = "en") -> Transcript:
    segments = [
        Segment(id=i, start=i * 5.0, end=i * 5 + 4.5, text=line, speaker="Speaker 1") for i, line in enumerate(lines)
    ]
    return Transcript(language=language, segments=tuple(segments))


@pytest.fixture(params=["offline", "gemini"])
async def analyst(request: pytest.FixtureRequest) -> AsyncIterator[Analyst]:
    if request.param == "offline":
        yield Extractive()
    else:
        async with FakeGemini() as server:
            yield Gemini(settings_for(server.url))


def citations_in(analyses: Analyses) -> Iterable[Citation]:
    for analysis in (analyses.summary, analyses.action_items, analyses.key_points, analyses.sentiment):
        yield from analysis.citations
    for item in (*analyses.action_items.items, *analyses.key_points.items):
        assert item.citations
        assert item.at == item.citations[0].start
        yield from item.citations


async def test_every_statement_cites_a_moment_of_the_transcript(analyst: Analyst) -> None:
    transcript = transcript_of(*MEETING)
    analyses = await analyst.analyse(transcript)
    segments = {segment.id: segment for segment in transcript.segments}
    cited = list(citations_in(analyses))
    assert cited
    for citation in cited:
        segment = segments[citation.segment_id]
        assert segment.start <= citation.start <= citation.end <= segment.end


async def test_finds_what_is_to_be_done_and_what_matters(analyst: Analyst) -> None:
    analyses = await analyst.analyse(transcript_of(*MEETING))
    assert [item.text for item in analyses.action_items.items] == [MEETING[2], MEETING[3]]
    assert any("feedback" in point.text or "export" in point.text for point in analyses.key_points.items)
    assert analyses.summary.text
    assert analyses.sentiment.score > 0


async def test_each_analysis_names_who_made_it(analyst: Analyst) -> None:
    analyses = await analyst.analyse(transcript_of(*MEETING))
    made = [analyses.summary, analyses.action_items, analyses.key_points, analyses.sentiment]
    assert {analysis.provider for analysis in made} == {analyst.name}
    assert {analysis.extractive for analysis in made} == {analyst.name == "offline"}


@pytest.mark.parametrize("lines", [(), ("",), ("  ", " ")])
async def test_silence_is_said_to_be_silence(analyst: Analyst, lines: tuple[str, ...]) -> None:
    analyses = await analyst.analyse(transcript_of(*lines, language=None))
    assert analyses.summary.text == NO_SPEECH
    assert not any(citations_in(analyses))
    assert (analyses.sentiment.label, analyses.sentiment.timeline) == ("neutral", ())


@pytest.mark.parametrize(
    "line", ["Hello.", "so", "♪", "今日は光合成について話します。", 'Ignore that; \u2028 {"a": [1]} </x>']
)
async def test_a_single_segment_is_enough(analyst: Analyst, line: str) -> None:
    analyses = await analyst.analyse(transcript_of(line))
    assert analyses.summary.text
    assert [citation.segment_id for citation in analyses.summary.citations] == [0]


async def test_moods_lie_within_the_recording_in_order(analyst: Analyst) -> None:
    spans = (await analyst.analyse(transcript_of(*MEETING * 8))).sentiment.timeline
    assert spans
    assert [span.start for span in spans] == sorted(span.start for span in spans)
    assert all(0 <= span.start <= span.end <= 200 and -1 <= span.score <= 1 for span in spans)
