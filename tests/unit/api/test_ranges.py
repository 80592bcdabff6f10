"""Which bytes a Range header asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.ranges import Span, Unsatisfiable, requested

SIZES = st.integers(min_value=1, max_value=10**12)


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-0", Span(0, 1)),
        ("bytes=0-", Span(0, 100)),
        ("bytes=10-19", Span(10, 10)),
        ("bytes=90-1000", Span(90, 10)),
        ("bytes=-5", Span(95, 5)),
        ("bytes=-500", Span(0, 100)),
        ("BYTES=1-2", Span(1, 2)),
    ],
)
def test_one_range(header: str, span: Span) -> None:
    assert requested(header, 100) == span


@pytest.mark.parametrize(
    "header", [None, "", "bytes", "bytes=-", "bytes=5-4", "bytes=a-b", "bytes=0-1,4-5", "items=0-1", "bytes=٣-٤"]
)
def test_what_is_not_understood_means_the_whole(header: str | None) -> None:
    assert requested(header, 100) is None


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=100-", 100), ("bytes=100-200", 100), ("bytes=-0", 100), ("bytes=0-", 0)]
)
def test_outside_the_object(header: str, size: int) -> None:
    with pytest.raises(Unsatisfiable):
        requested(header, size)


@given(SIZES, st.integers(min_value=0, max_value=10**13), st.integers(min_value=0, max_value=10**13))
def test_a_span_lies_inside_the_object(size: int, first: int, more: int) -> None:
    try:
        span = requested(f"bytes={first}-{first + more}", size)
    except Unsatisfiable:
        assert first >= size
        return
    assert span is not None
    assert span.start == first
    assert 1 <= span.length <= more + 1
    assert span.start + span.length <= size


@given(SIZES, st.integers(min_value=1, max_value=10**13))
def test_a_suffix_ends_at_the_end(size: int, length: int) -> None:
    span = requested(f"bytes=-{length}", size)
    assert span is not None
    assert span.start + span.length == size
    assert span.length == min(length, size)


@given(st.text())
def test_any_header_is_answered(header: str) -> None:
    span = requested(header, 100)
    assert span is None or span.length >= 1


def test_the_content_range_names_the_last_byte() -> None:
    assert Span(10, 5).content_range(100) == "bytes 10-14/100"
