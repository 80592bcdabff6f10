"""What clients send: names that are only ever data, and fields that are what they say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from api.downloads import disposition
from schemas.requests import LONGEST_NAME, RecordingQuery, Registration, UploadRequest, bare_filename, plain


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("talk.webm", "talk.webm"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ada\\talk.webm", "talk.webm"),
        ("a\r\nSet-Cookie: x=1.webm", "a Set-Cookie: x=1.webm"),
        ("gnp.\u202emp4.exe", "gnp.mp4.exe"),
        ("Bericht für Zoë.webm", "Bericht für Zoë.webm"),
        ("..", ""),
        ("\0", ""),
        ("x" * 300 + ".webm", "x" * 250 + ".webm"),
    ],
)
def test_a_filename_is_reduced_to_a_name(sent: str, kept: str) -> None:
    assert bare_filename(sent) == kept


@given(st.text(max_size=600))
def test_no_filename_is_a_path_or_hides_anything(sent: str) -> None:
    name = bare_filename(sent)
    assert len(name) <= LONGEST_NAME
    assert not set("/\\\0\r\n\u202e") & set(name)
    assert name not in (".", "..")
    assert bare_filename(name) == name


@given(st.text(max_size=300))
def test_any_name_makes_a_safe_header(sent: str) -> None:
    header = disposition("attachment", sent)
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2


def test_what_is_searched_for_and_what_is_only_kept_is_plain() -> None:
    assert RecordingQuery(q="Stand\0-up\u202e ").q == "Stand-up"
    assert UploadRequest(filename="a.webm", file_size=1, quality="10\u202e80p\0").quality == "1080p"


@given(st.text(max_size=100))
def test_plain_text_is_one_line(text: str) -> None:
    assert plain(text).splitlines() in ([], [plain(text)])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "ab"),
        ("username", "a b c"),
        ("username", "ada\u200b"),
        ("email", "ada"),
        ("email", "ada@host"),
        ("email", "a b@example.org"),
        ("email", "ada@example.org\n"),
        ("password", "short"),
        ("password", "x" * 257),
        ("password", 12345678),
    ],
)
def test_a_wrong_account_field_is_named(field: str, value: object) -> None:
    fields = {"username": "ada", "email": "ada@example.org", "password": "correct horse"} | {field: value}
    with pytest.raises(ValidationError) as caught:
        Registration.model_validate(fields, strict=True)
    assert [error["loc"] for error in caught.value.errors()] == [(field,)]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("filename", ""),
        ("filename", "///"),
        ("filename", None),
        ("file_size", 0),
        ("file_size", -1),
        ("file_size", "100"),
        ("file_size", 1.5),
        ("file_size", True),
        ("fps", 0),
        ("fps", float("nan")),
        ("has_microphone", "yes"),
        ("project_id", "../x"),
        ("title", " "),
    ],
)
def test_a_wrong_upload_field_is_named(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        UploadRequest.model_validate({"filename": "a.webm", "file_size": 1} | {field: value}, strict=True)
    assert [error["loc"] for error in caught.value.errors()] == [(field,)]
