"""Analyses as Markdown: readable, and what was said cannot become markup."""

from schemas.analyses import (
    ActionItem,
    ActionItems,
    Analyses,
    KeyPoint,
    KeyPoints,
    Sentiment,
    SentimentSpan,
    Summary,
)
from schemas.markdown import analyses_markdown


def test_the_four_analyses_by_example() -> None:
    analyses = Analyses(
        summary=Summary(text="We ship\non *Friday*.", provider="offline", extractive=True),
        action_items=ActionItems(
            items=(ActionItem(text="Send it.", at=3723, owner="Ada", due="Friday"), ActionItem(text="1. Rest", at=0)),
            provider="gemini",
        ),
        key_points=KeyPoints(items=(KeyPoint(text="- <b>2 > 1</b>", at=61),), provider="gemini"),
        sentiment=Sentiment(
            label="positive",
            score=0.5,
            timeline=(SentimentSpan(start=0, end=60, label="neutral", score=0),),
            provider="gemini",
        ),
    )
    assert analyses_markdown("Stand-up #7", analyses) == (
        "# Stand-up \\#7\n\n"
        "## Summary\n\nWe ship on \\*Friday\\*.\n\n*Chosen from the original, word for word.*\n\n"
        "## Action items\n\n- [ ] Send it. (owner: Ada; due: Friday; 1:02:03)\n- [ ] 1\\. Rest (0:00:00)\n\n"
        "## Key points\n\n- \\- \\<b\\>2 \\> 1\\</b\\> (0:01:01)\n\n"
        "## Sentiment\n\nOverall positive (+0.50).\n\n- 0:00:00 to 0:01:00: neutral (+0.00)\n"
    )


def test_nothing_found_is_said() -> None:
    nothing = Analyses(
        summary=Summary(text="", provider="x"),
        action_items=ActionItems(provider="x"),
        key_points=KeyPoints(provider="x"),
        sentiment=Sentiment(provider="x"),
    )
    assert analyses_markdown("", nothing).count("None.") == 2
