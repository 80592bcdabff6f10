"""What counts as an action item."""

import pytest

from providers.language.promises import action_item
from providers.language.sentences import Sentence
from schemas.analyses import Citation


def said(text: str) -> Sentence:
    return Sentence(text, 1.0, 2.0, "Speaker 1", (Citation(start=1, end=2, segment_id=0),))


@pytest.mark.parametrize(
    ("text", "owner", "due"),
    [
        ("I'll send the report by Friday.", "Speaker 1", "by Friday"),
        ("We need to back up the database before the end of the week.", None, "before the end of the week"),
        ("Anna, can you update the documentation?", "Anna", None),
        ("Bob will prepare a comparison by next Wednesday.", "Bob", "by next Wednesday"),
        ("Mary Jones has to sign it today.", "Mary Jones", "today"),
        ("Please send them a note as soon as possible.", None, "as soon as possible"),
        ("Don’t forget to submit your expenses by May 3rd.", None, "by May 3rd"),
        ("Also schedule a retrospective for next week.", None, "next week"),
        ("Everyone should read chapter four in two weeks.", "Everyone", "in two weeks"),
        ("We’re going to ship it at the end of June.", None, None),
    ],
)
def test_promises_duties_and_requests_are_found(text: str, owner: str | None, due: str | None) -> None:
    item = action_item(said(text))
    assert item is not None
    assert (item.text, item.at, item.owner, item.due) == (text, 1.0, owner, due)


@pytest.mark.parametrize(
    "text",
    [
        "It was the best of times, it was the worst of times.",
        "We were all going direct to heaven.",
        "We'll see how it goes.",
        "What should we do about the budget?",
        "Do we need to tell the support team?",
        "If we need to roll back, we would have to disable it.",
        "I think I'm going to be sick.",
        "We should have tested it.",
        "Okay, let's get started.",
        "Let's look at the next slide.",
        "The report is on the table.",
        "Check of the engine was done.",
        "",
    ],
)
def test_talk_is_no_action(text: str) -> None:
    assert action_item(said(text)) is None


def test_the_budget_for_the_next_quarter_is_no_due_date() -> None:
    item = action_item(said("The budget for the next quarter is late, so we have to wait."))
    assert item is not None
    assert item.due is None
