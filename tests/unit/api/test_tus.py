"""The headers of tus: whatever is sent, it is understood or refused by name."""

import base64
import hashlib
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import tus
from schemas.problems import Problem

KEYS = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=","), min_size=1, max_size=20)
WORDS = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=40)


def refused(read: Callable[[], object]) -> tuple[str, ...] | None:
    """The fields that are named when it is refused as a wrong field; None when it is not."""
    try:
        read()
    except Problem as problem:
        named = tuple(field.field for field in problem.fields)
        if problem.entry.code != "invalid_field":
            raise
        return named
    return None


def told(pairs: dict[str, str]) -> dict[str, str]:
    return {tus.METADATA: ",".join(f"{key} {base64.b64encode(text.encode()).decode()}" for key, text in pairs.items())}


@given(st.text(max_size=200))
def test_metadata_of_any_kind_is_read_or_refused(text):
    assert refused(lambda: tus.metadata_of({tus.METADATA: text})) != ()


@given(st.dictionaries(KEYS, WORDS, max_size=6), WORDS)
def test_pairs_that_mean_nothing_here_change_nothing(pairs, title):
    unknown = {f"x-{key}": value for key, value in pairs.items()}
    assert tus.metadata_of(told({**unknown, "title": title})).title


@pytest.mark.parametrize("key", ["k\udcff", "k\xff", "k\x7f", "k\t", "schlüssel"])
def test_keys_are_printable_ascii(key):
    assert refused(lambda: tus.metadata_of({tus.METADATA: f"{key} dGVzdA=="})) == (tus.METADATA,)


def test_what_metadata_may_say():
    said = {"name": "a.webm", "fps": "29.97", "quality": "1080p", "has_system_audio": "true", "filetype": "video/webm"}
    found = tus.metadata_of(told(said))
    assert (found.filename, found.fps, found.quality) == ("a.webm", 29.97, "1080p")
    assert (found.has_system_audio, found.has_microphone) == (True, False)
    assert tus.metadata_of(told({"name": "a.webm", "filename": "b.webm"})).filename == "b.webm"
    assert tus.metadata_of({tus.METADATA: "title"}).title is None
    assert tus.metadata_of({}).filename == "recording"


@given(st.one_of(st.text(max_size=20), st.integers().map(str)))
def test_a_number_is_a_number_of_bytes(text):
    fields = refused(lambda: tus.offset_of({tus.OFFSET: text}))
    assert fields in (None, (tus.OFFSET,))
    assert fields or str(tus.offset_of({tus.OFFSET: text})) == text.lstrip("0") or set(text) == {"0"}


@given(st.text(max_size=60))
def test_a_checksum_of_any_kind_is_read_or_refused(text):
    assert refused(lambda: tus.checksum_of({tus.CHECKSUM: text})) in (None, (tus.CHECKSUM,))


SUMS = {
    "sha1": lambda body: hashlib.sha1(body).digest(),
    "sha256": lambda body: hashlib.sha256(body).digest(),
    "crc32": lambda body: zlib.crc32(body).to_bytes(4, "big"),
}


@given(st.sampled_from(sorted(SUMS)), st.lists(st.binary(max_size=50), max_size=5))
def test_sums_are_what_they_are_called(algorithm, chunks):
    wanted = base64.b64encode(SUMS[algorithm](b"".join(chunks))).decode()
    for body, right in ((chunks, True), ([*chunks, b"x"], False)):
        check = tus.checksum_of({tus.CHECKSUM: f"{algorithm} {wanted}"})
        assert check
        for chunk in body:
            check.update(chunk)
        if right:
            check.expect()
        else:
            with pytest.raises(Problem, match="checksum_mismatch"):
                check.expect()
