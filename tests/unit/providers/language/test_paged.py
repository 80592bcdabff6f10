"""Documents through the analysts: every place is a page that is there, and holds what is said of it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from providers.language.extractive import extract
from providers.language.face import NO_TEXT
from providers.language.paged import as_transcript
from providers.language.parts import line_of_page
from schemas.analyses import Analyses
from schemas.documents import DocumentText, Page


def a_document(*texts: str, language: str | None = "en") -> DocumentText:
    return DocumentText(
        language=language, pages=tuple(Page(number=number, text=text) for number, text in enumerate(texts, start=1))
    )


def places(analyses: Analyses) -> list[int | None]:
    found = [analyses.summary, analyses.action_items, analyses.key_points, analyses.sentiment]
    items = [*analyses.action_items.items, *analyses.key_points.items]
    cited = [citation.page for some in [*found, *items] for citation in some.citations]
    return [*cited, *(item.page for item in items), *(span.last_page for span in analyses.sentiment.timeline)]


def test_what_is_said_is_on_the_page_that_is_named():
    analyses = extract(a_document("Nothing here.", "Ada must send the report by Friday.", "A wonderful end."))
    (item,) = analyses.action_items.items
    assert (item.page, item.at, item.owner, item.due) == (2, None, "Ada", "by Friday")
    assert [(span.first_page, span.last_page) for span in analyses.sentiment.timeline] == [(1, 1), (2, 2), (3, 3)]


def test_a_sentence_across_two_pages_cites_both():
    analyses = extract(a_document("Photosynthesis turns the light of the sun,", "into sugar for the plants."))
    assert [citation.page for citation in analyses.summary.citations] == [1, 2]


def test_pages_without_text_say_so():
    analyses = extract(a_document("", " \n "))
    assert (analyses.summary.text, places(analyses)) == (NO_TEXT, [])


def test_a_page_is_one_line_to_a_model():
    (segment,) = as_transcript(a_document("Two\nlines.")).segments
    assert line_of_page(segment) == "[1] Two lines."


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(alphabet="ab cdI. must!\n", max_size=120), max_size=6))
def test_no_place_is_outside_the_document(texts):
    analyses = extract(a_document(*texts))
    assert set(places(analyses)) <= set(range(1, len(texts) + 1))
    assert all(citation.start is None for citation in analyses.summary.citations)
