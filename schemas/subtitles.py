"""A transcript as text and as subtitles: SubRip and WebVTT (W3C), with the speakers as voices."""

import re

from schemas.transcripts import Segment, Transcript

_SHORTEST_MS = 1
_ARROW = re.compile(r"-{2,}>")


def txt(transcript: Transcript) -> str:
    """One segment a line, after its speaker's name where the speaker changes."""
    lines, speaker = [], None
    for segment in transcript.named():
        named = segment.speaker if segment.speaker != speaker else None
        lines.append(f"{_line(named)}: {_line(segment.text)}" if named else _line(segment.text))
        speaker = segment.speaker
    return "".join(f"{line}\n" for line in lines)


def srt(transcript: Transcript) -> str:
    """SubRip. It knows no escapes, so an arrow inside a text, which could be taken for a time line, is shortened."""
    return "".join(
        f"{number}\n{_times(segment, ',')}\n{_srt_text(segment)}\n\n"
        for number, segment in enumerate(_spoken(transcript), start=1)
    )


def vtt(transcript: Transcript) -> str:
    """WebVTT, each cue in the voice of its speaker."""
    cues = (f"{segment.id}\n{_times(segment, '.')}\n{_vtt_text(segment)}\n\n" for segment in _spoken(transcript))
    return "WEBVTT\n\n" + "".join(cues)


def _clock(milliseconds: int, point: str) -> str:
    whole, thousandths = divmod(milliseconds, 1000)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02d}:{minute:02d}:{second:02d}{point}{thousandths:03d}"


def _spoken(transcript: Transcript) -> list[Segment]:
    return [segment for segment in transcript.named() if _line(segment.text)]


def _times(segment: Segment, point: str) -> str:
    start = round(segment.start * 1000)
    end = max(round(segment.end * 1000), start + _SHORTEST_MS)
    return f"{_clock(start, point)} --> {_clock(end, point)}"


def _line(text: str | None) -> str:
    """On one line: a line break would end the name, an empty line the cue."""
    return " ".join((text or "").split())


def _srt_text(segment: Segment) -> str:
    text = _ARROW.sub("->", _line(segment.text))
    return f"{_ARROW.sub('->', _line(segment.speaker))}: {text}" if _line(segment.speaker) else text


def _vtt_text(segment: Segment) -> str:
    voice, text = _escaped(_line(segment.speaker)), _escaped(_line(segment.text))
    return f"<v {voice}>{text}" if voice else text


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\0", "\ufffd")
