"""Analyses as Markdown (CommonMark), for people: what was said stays text, whatever characters it has."""

import re
from collections.abc import Iterable, Iterator

from schemas.analyses import ActionItem, Analyses, KeyPoint, Sentiment, SentimentSpan

_MEANT = re.compile(r"([\\`*_{}\[\]<>#|~&!])")
_STARTS_A_LIST = re.compile(r"^(\d*)([-+=.)])")


def analyses_markdown(title: str, analyses: Analyses) -> str:
    """The four analyses under the recording's title, each statement with the moment or page that it came from."""
    return "\n".join(
        [
            f"# {_plain(title)}",
            *_section("Summary", [_plain(analyses.summary.text)], analyses.summary.extractive),
            *_section("Action items", map(_action, analyses.action_items.items), analyses.action_items.extractive),
            *_section(
                "Key points",
                (f"- {_plain(point.text)} ({_place(point)})" for point in analyses.key_points.items),
                analyses.key_points.extractive,
            ),
            *_section("Sentiment", _sentiment(analyses.sentiment), analyses.sentiment.extractive),
            "",
        ]
    )


def _section(heading: str, lines: Iterable[str], extractive: bool) -> Iterator[str]:
    yield from ("", f"## {heading}", "")
    yield from list(lines) or ["None."]
    if extractive:
        yield from ("", "*Chosen from the original, word for word.*")


def _action(item: ActionItem) -> str:
    more = [f"owner: {_plain(item.owner)}"] if item.owner else []
    more += [f"due: {_plain(item.due)}"] if item.due else []
    return f"- [ ] {_plain(item.text)} ({'; '.join([*more, _place(item)])})"


def _sentiment(sentiment: Sentiment) -> Iterator[str]:
    yield f"Overall {sentiment.label} ({sentiment.score:+.2f})."
    if sentiment.timeline:
        yield ""
    for span in sentiment.timeline:
        yield f"- {_stretch(span)}: {span.label} ({span.score:+.2f})"


def _place(item: ActionItem | KeyPoint) -> str:
    return _clock(item.at or 0) if item.page is None else f"page {item.page}"


def _stretch(span: SentimentSpan) -> str:
    if span.first_page is None:
        return f"{_clock(span.start or 0)} to {_clock(span.end or 0)}"
    pages = span.first_page, span.last_page
    return f"page {pages[0]}" if pages[0] == pages[1] else f"pages {pages[0]} to {pages[1]}"


def _clock(seconds: float) -> str:
    minutes, second = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{second:02d}"


def _plain(text: str) -> str:
    """On one line, and none of its characters taken for Markdown."""
    return _STARTS_A_LIST.sub(r"\1\\\2", _MEANT.sub(r"\\\1", " ".join(text.split())))
