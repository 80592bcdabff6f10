"""The small things that everything else is made of: ids, time, failures, keys and names that clients choose."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.failures import Busy, Permanent, Retryable
from schemas.ids import derived_id, new_id
from schemas.requests import LONGEST_NAME, bare_filename, plain
from schemas.time import after, now


def test_ids_sort_by_creation():
    made = [new_id() for _ in range(1000)]
    assert made == sorted(set(made))
    assert {len(one) for one in made} == {36}


@given(st.lists(st.text(alphabet="abc"), min_size=1, max_size=3))
def test_a_derived_id_is_the_same_for_the_same_parts(parts):
    assert derived_id(*parts) == derived_id(*parts)
    assert derived_id(*parts) != derived_id(*parts, "more")


def test_time_is_aware_and_survives_the_store():
    moment = now()
    assert moment.utcoffset().total_seconds() == 0
    assert moment.microsecond % 1000 == 0
    assert 9 < (after(10) - moment).total_seconds() < 11


@pytest.mark.parametrize(
    "failure",
    [Retryable("a", "b"), Retryable("a", "b", 7.5), Permanent("a", "b"), Busy("a", "b", 3.0)],
    ids=lambda failure: type(failure).__name__,
)
def test_a_failure_comes_out_of_a_child_as_it_went_in(failure):
    found = pickle.loads(pickle.dumps(failure))
    assert type(found) is type(failure)
    assert vars(found) == vars(failure)
    assert str(found) == "a: b"


@given(st.text())
def test_a_plain_text_is_one_line_and_stays_as_it_is(text):
    once = plain(text)
    assert plain(once) == once
    assert once.isprintable() or not once


@given(st.text(max_size=600))
def test_a_file_name_is_never_a_path(text):
    name = bare_filename(text)
    assert "/" not in name
    assert "\\" not in name
    assert not name.startswith(".")
    assert len(name) <= LONGEST_NAME


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("C:\\talks\\a.webm", "a.webm"), ("../../etc/passwd", "passwd"), ("x" * 300 + ".webm", "x" * 250 + ".webm")],
)
def test_what_is_kept_of_a_file_name(sent, kept):
    assert bare_filename(sent) == kept
