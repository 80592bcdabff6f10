"""Subtitles that any text survives: a small reader of each format finds every cue again."""

import html
import re

from hypothesis import given
from hypothesis import strategies as st

from schemas.subtitles import srt, txt, vtt
from schemas.transcripts import Segment, Transcript

TEXT = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=60)
_TIMES = re.compile(r"(\d{2,}):([0-5]\d):([0-5]\d)[.,](\d{3}) --> (\d{2,}):([0-5]\d):([0-5]\d)[.,](\d{3})")


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    starts = sorted(draw(st.lists(st.floats(min_value=0, max_value=400_000), max_size=6)))
    segments = tuple(
        Segment(
            id=number, start=start, end=start + draw(st.floats(0, 30)), speaker=draw(st.none() | TEXT), text=draw(TEXT)
        )
        for number, start in enumerate(starts)
    )
    return Transcript(segments=segments)


def spoken(transcript: Transcript) -> list[Segment]:
    return [segment for segment in transcript.segments if segment.text.split()]


def blocks(text: str) -> list[list[str]]:
    return [block.split("\n") for block in text.split("\n\n") if block]


def expect_times(line: str, segment: Segment) -> None:
    found = _TIMES.fullmatch(line)
    assert found
    h, m, s, ms, *end = (int(number) for number in found.groups())
    start = ((h * 60 + m) * 60 + s) * 1000 + ms
    assert start == round(segment.start * 1000)
    assert ((end[0] * 60 + end[1]) * 60 + end[2]) * 1000 + end[3] > start


@given(transcripts())
def test_vtt_keeps_every_cue_its_voice_and_its_text(transcript: Transcript) -> None:
    header, *cues = blocks(vtt(transcript))
    assert header == ["WEBVTT"]
    assert len(cues) == len(spoken(transcript))
    for (identifier, times, text), segment in zip(cues, spoken(transcript), strict=True):
        assert identifier == str(segment.id)
        expect_times(times, segment)
        assert "-->" not in text
        voice = re.fullmatch(r"<v ([^<>]*)>([^<>]*)", text)
        said = html.unescape(voice[2] if voice else text)
        assert bool(voice) == bool((segment.speaker or "").split())
        assert said.split() == html.unescape(html.escape(segment.text.replace("\0", "\ufffd"))).split()


@given(transcripts())
def test_srt_keeps_every_cue(transcript: Transcript) -> None:
    cues = blocks(srt(transcript))
    assert len(cues) == len(spoken(transcript))
    for number, ((counted, times, text), segment) in enumerate(zip(cues, spoken(transcript), strict=True), start=1):
        assert counted == str(number)
        expect_times(times, segment)
        assert "-->" not in text


@given(transcripts())
def test_text_has_a_line_a_segment(transcript: Transcript) -> None:
    assert len(txt(transcript).split("\n")) - 1 == len(transcript.segments)


def test_the_formats_by_example() -> None:
    said = Transcript(
        segments=(
            Segment(id=0, start=0.4, end=2.1, speaker="Ada & Bo", text="1 < 2"),
            Segment(id=1, start=3723.0, end=3723.0, text="no\n\nspeaker --> here"),
        )
    )
    assert vtt(said) == (
        "WEBVTT\n\n0\n00:00:00.400 --> 00:00:02.100\n<v Ada &amp; Bo>1 &lt; 2\n\n"
        "1\n01:02:03.000 --> 01:02:03.001\nno speaker --&gt; here\n\n"
    )
    assert srt(said) == (
        "1\n00:00:00,400 --> 00:00:02,100\nAda & Bo: 1 < 2\n\n2\n01:02:03,000 --> 01:02:03,001\nno speaker -> here\n\n"
    )
    assert txt(said) == "Ada & Bo: 1 < 2\nno speaker --> here\n"
