"""What people have put right in a transcript: names of speakers, and texts of segments.

It lies in the transcript's head, field `corrections`, and goes with it: `speakers` by the label in hexadecimal digits
(a label may be any text), `segments` by "s" and the id. A text says what it was put in the place of, and holds only
there: a transcript that is made anew starts clean where it hears something else. All of it may have MOST_BYTES.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import bson

from schemas.transcripts import Segment, SpeakerName, Transcript, Word

Fields = dict[str, Any]

MOST_BYTES = 4 * 1024 * 1024
"""Every segment of twelve hours of speech put right, and as much again; a document may have 16 MB."""
_SPEAKERS, _SEGMENTS = "corrections.speakers.", "corrections.segments."


class Overfull(Exception):
    """There would be more of corrections than MOST_BYTES."""


def update(
    transcript: Transcript, present: Fields, names: Mapping[str, str | None], texts: Mapping[int, str | None]
) -> Fields:
    """The fields of a head that put names and texts right; None takes a correction back.

    `transcript` is what the engine heard, `present` the corrections that there are. Raises KeyError with the label or
    id that it does not have; Overfull, but never for what takes back as much as it adds.
    """
    heard = {segment.id: segment.text for segment in transcript.segments}
    speakers = {segment.speaker for segment in transcript.segments}
    if unknown := [label for label in names if label not in speakers]:
        raise KeyError(unknown[0])
    wanted: Fields = {f"{_SPEAKERS}{label.encode().hex()}": name for label, name in names.items()}
    for number, text in texts.items():
        was = heard[number]
        wanted[f"{_SEGMENTS}s{number}"] = None if text in (None, was) else {"was": was, "text": text}
    return _fitting(wanted, present, heard)


def _fitting(wanted: Fields, present: Fields, heard: Mapping[int, str]) -> Fields:
    """What is wanted; with it, once there is no room any more, texts go that hold no longer. Raises Overfull."""
    texts: Fields = present.get("segments", {})
    laid = {f"{_SPEAKERS}{label}": name for label, name in present.get("speakers", {}).items()}
    laid |= {f"{_SEGMENTS}{name}": text for name, text in texts.items()}
    if _size(laid | wanted) <= MOST_BYTES:
        return wanted
    holding = {f"s{number}": was for number, was in heard.items()}
    stale = [name for name, text in texts.items() if text and text["was"] != holding.get(name)]
    wanted = {f"{_SEGMENTS}{name}": None for name in stale} | wanted
    if _size(laid | wanted) > max(MOST_BYTES, _size(laid)):
        raise Overfull
    return wanted


def _size(fields: Fields) -> int:
    return len(bson.encode(fields))


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
