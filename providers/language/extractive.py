"""The offline analyst: it chooses among the sentences that are there, and says so. No key, no model, no network."""

import asyncio
import math

from providers.language.face import NO_SPEECH, NO_TEXT, Material, has_words
from providers.language.mood import PAGES, SECONDS, moods, overall, timeline
from providers.language.paged import as_transcript, on_pages
from providers.language.promises import action_item
from providers.language.ranking import Ranking
from providers.language.sentences import Sentence, citations_of, sentences
from schemas.analyses import ActionItem, ActionItems, Analyses, KeyPoint, KeyPoints, Sentiment, Summary
from schemas.documents import DocumentText
from schemas.transcripts import Transcript

_MOST_SUMMARY_SENTENCES = 8
_MOST_KEY_POINTS = 10
_MOST_ACTION_ITEMS = 100
_ALIKE = 0.6


class Extractive:
    """Analyses by counting words. Ten thousand segments take a second or two, in a thread: the loop goes on."""

    name = "offline"

    async def analyse(self, material: Material) -> Analyses:
        """See Analyst. Action items and sentiment are found in English only; in other languages they stay empty."""
        return await asyncio.to_thread(extract, material)


def extract(material: Material) -> Analyses:
    """The four analyses. Takes time in proportion to the material; blocks."""
    if isinstance(material, DocumentText):
        return on_pages(_extracted(as_transcript(material), NO_TEXT, PAGES))
    return _extracted(material, NO_SPEECH, SECONDS)


def _extracted(transcript: Transcript, without_words: str, window: float) -> Analyses:
    said = sentences(transcript.segments) if has_words(transcript) else []
    english = (transcript.language or "en").lower().startswith("en")
    ranking = Ranking(said, transcript.language)
    return Analyses(
        summary=_summary(ranking, without_words),
        key_points=_key_points(ranking),
        action_items=_action_items(said if english else []),
        sentiment=_sentiment(said if english else [], window),
    )


def _summary(ranking: Ranking, without_words: str) -> Summary:
    if not ranking.sentences:
        return Summary(text=without_words, provider=Extractive.name, extractive=True)
    count = min(_MOST_SUMMARY_SENTENCES, max(1, round(math.sqrt(len(ranking.sentences)))))
    chosen = [ranking.sentences[index] for index in ranking.best(count)] or [ranking.sentences[0]]
    text = " ".join(sentence.text for sentence in chosen)
    return Summary(text=text, provider=Extractive.name, extractive=True, citations=citations_of(chosen))


def _key_points(ranking: Ranking) -> KeyPoints:
    """For each recurring phrase the sentence that says most about it; then the best of what else was said."""
    wanted = min(_MOST_KEY_POINTS, max(1, len(ranking.sentences) // 2))
    chosen: list[int] = []
    groups = ranking.phrases()[: wanted * 5]
    for where in [*groups, *([index] for index in ranking.best(wanted))]:
        best = max(where, key=lambda index: ranking.scores[index])
        if len(chosen) < wanted and best not in chosen and ranking.likeness(best, chosen) < _ALIKE:
            chosen.append(best)
    items = tuple(_key_point(ranking.sentences[index]) for index in sorted(chosen))
    citations = citations_of([ranking.sentences[index] for index in sorted(chosen)])
    return KeyPoints(items=items, provider=Extractive.name, extractive=True, citations=citations)


def _key_point(sentence: Sentence) -> KeyPoint:
    return KeyPoint(text=sentence.text, at=sentence.start, citations=sentence.citations)


def _action_items(said: list[Sentence]) -> ActionItems:
    found: dict[str, ActionItem] = {}
    for item in filter(None, map(action_item, said)):
        found.setdefault(item.text.casefold(), item)
    items = tuple(found.values())[:_MOST_ACTION_ITEMS]
    citations = tuple(citation for item in items for citation in item.citations)
    return ActionItems(items=items, provider=Extractive.name, extractive=True, citations=citations)


def _sentiment(said: list[Sentence], window: float) -> Sentiment:
    scores = moods(said)
    label, score = overall(scores)
    strongest = sorted(range(len(said)), key=lambda index: -abs(scores[index]))[:3]
    felt = [said[index] for index in sorted(strongest) if scores[index]]
    return Sentiment(
        label=label,
        score=score,
        timeline=timeline(said, scores, window),
        provider=Extractive.name,
        extractive=True,
        citations=citations_of(felt),
    )
