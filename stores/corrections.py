"""What people have put right in a transcript: names of speakers, and texts of segments.

It lies in the transcript's head, field `corrections`, and goes with it: `speakers` by the label in hexadecimal digits
(a label may be any text), `segments` by "s" and the id. A text says what it was put in the place of, and holds only
there: a transcript that is made anew starts clean where it hears something else.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from schemas.transcripts import Segment, SpeakerName, Transcript, Word

Fields = dict[str, Any]


def update(transcript: Transcript, names: Mapping[str, str | None], texts: Mapping[int, str | None]) -> Fields:
    """The fields of a head that put names and texts right; None takes a correction back.

    `transcript` is what the engine heard. Raises KeyError with the label or id that it does not have.
    """
    heard = {segment.id: segment.text for segment in transcript.segments}
    speakers = {segment.speaker for segment in transcript.segments}
    if unknown := [label for label in names if label not in speakers]:
        raise KeyError(unknown[0])
    wanted: Fields = {f"corrections.speakers.{label.encode().hex()}": name for label, name in names.items()}
    for number, text in texts.items():
        was = heard[number]
        wanted[f"corrections.segments.s{number}"] = None if text in (None, was) else {"was": was, "text": text}
    return wanted


def corrected(transcript: Transcript, corrections: Fields) -> Transcript:
    """The transcript as people have put it right."""
    texts: Fields = corrections.get("segments", {})
    names = {bytes.fromhex(label).decode(): name for label, name in corrections.get("speakers", {}).items() if name}
    segments = tuple(_segment(segment, texts.get(f"s{segment.id}")) for segment in transcript.segments)
    return transcript.model_copy(
        update={
            "segments": segments,
            "text": " ".join(segment.text for segment in segments),
            "speakers": tuple(_named(segments, names)),
        }
    )


def _named(segments: tuple[Segment, ...], names: Mapping[str, str]) -> Iterable[SpeakerName]:
    heard = dict.fromkeys(segment.speaker for segment in segments if segment.speaker is not None)
    return (SpeakerName(speaker=label, name=names[label]) for label in heard if label in names)


def _segment(segment: Segment, correction: Fields | None) -> Segment:
    if correction is None or correction["was"] != segment.text:
        return segment
    text: str = correction["text"]
    return segment.model_copy(update={"text": text, "words": _words(segment, text.split())})


def _words(segment: Segment, texts: list[str]) -> tuple[Word, ...]:
    """Each word in the time of the one in its place; where there are more or fewer, the segment's time is shared."""
    if len(texts) == len(segment.words):
        return tuple(word.model_copy(update={"text": text}) for word, text in zip(segment.words, texts, strict=True))
    length = (segment.end - segment.start) / max(len(texts), 1)
    return tuple(
        Word(text=text, start=segment.start + n * length, end=segment.start + (n + 1) * length, estimated=True)
        for n, text in enumerate(texts)
    )
