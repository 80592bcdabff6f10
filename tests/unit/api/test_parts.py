"""How an upload is cut, within S3's rules whatever its size, and which of the parts that are there are joined."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.parts import _expect_all, chosen_part_size
from schemas.multipart import (
    DEFAULT_PART,
    LARGEST_PART,
    MOST_PARTS,
    SMALLEST_PART,
    MultipartComplete,
    MultipartRequest,
)
from schemas.parts import Parts
from schemas.problems import Problem
from stores.parts import StoredPart
from tests.unit.stores.jobs import a_recording, later


def wish(size: int, part_size: int | None = None) -> MultipartRequest:
    return MultipartRequest(filename="lecture.webm", file_size=size, part_size=part_size)


@given(st.integers(1, MOST_PARTS * LARGEST_PART))
def test_the_parts_are_never_too_many_nor_too_small_and_together_the_whole(size: int) -> None:
    parts = Parts(upload_id="x", part_size=chosen_part_size(wish(size)))
    assert SMALLEST_PART <= DEFAULT_PART <= parts.part_size <= LARGEST_PART
    count = parts.count(size)
    assert 1 <= count <= MOST_PARTS
    assert (count - 1) * parts.part_size + parts.size_of(count, size) == size
    assert parts.size_of(count, size) > 0
    assert all(parts.size_of(number, size) == parts.part_size for number in {1, count - 1} - {0, count})


def test_a_size_that_makes_too_many_parts_is_refused() -> None:
    most = MOST_PARTS * SMALLEST_PART
    assert chosen_part_size(wish(most, SMALLEST_PART)) == SMALLEST_PART
    with pytest.raises(Problem, match="part_size"):
        chosen_part_size(wish(most + 1, SMALLEST_PART))


def a_part(number: int, size_bytes: int = SMALLEST_PART, etag: str = "a", seconds: float = 0) -> StoredPart:
    return StoredPart(number=number, size_bytes=size_bytes, etag=etag, sent_at=later(seconds))


UPLOAD = a_recording(size_bytes=SMALLEST_PART + 7, parts=Parts(upload_id="x", part_size=SMALLEST_PART))
BOTH = [a_part(1), a_part(2, 7)]


def chosen(found: list[StoredPart], told: dict[int, str] | None = None) -> list[StoredPart]:
    parts = None if told is None else [{"number": number, "etag": etag} for number, etag in told.items()]
    return _expect_all(UPLOAD, found, MultipartComplete.model_validate({"parts": parts}))


def test_the_parts_are_joined_in_order_as_the_store_or_the_client_says() -> None:
    assert chosen(BOTH) == chosen(BOTH, {2: "a", 1: '"a"'}) == BOTH
    again = [a_part(1, etag="b", seconds=1), *BOTH]
    assert chosen(again)[0].etag == "b"
    assert chosen(again, {1: "a", 2: "a"})[0].etag == "a"


@pytest.mark.parametrize(
    ("found", "told", "named"),
    [
        ([a_part(1)], None, ["parts.2"]),
        ([], None, ["parts.1", "parts.2"]),
        ([a_part(1), a_part(2, 8)], None, ["parts.2"]),
        (BOTH, {1: "a"}, ["parts.2"]),
        (BOTH, {1: "a", 2: "b"}, ["parts.2"]),
        (BOTH, {1: "a", 2: "a", 3: "a"}, ["parts.3"]),
        ([a_part(1, etag="b"), *BOTH], None, ["parts.1"]),
    ],
)
def test_what_is_not_as_it_should_be_is_named(
    found: list[StoredPart], told: dict[int, str] | None, named: list[str]
) -> None:
    with pytest.raises(Problem, match="parts_mismatch") as caught:
        chosen(found, told)
    assert [field.field for field in caught.value.fields] == named
