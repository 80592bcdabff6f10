"""What a file is, by its first bytes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stores.intake import Unacceptable, media_kind
from stores.signatures import HEAD_BYTES, looks_like, recognise

MEDIA = Path(__file__).parents[2] / "media"
_MP3_FRAME = b"\xff\xfb\x90\x64" + bytes(413)
_ADTS = b"\xff\xf1\x50\x80\x01\x3f\xfc" + bytes(2)

KNOWN = {
    "video/webm": b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm",
    "video/x-matroska": b"\x1a\x45\xdf\xa3\xa3\x42\x82\x88matroska",
    "video/mp4": b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00",
    "audio/mp4": b"\x00\x00\x00\x20ftypM4A \x00\x00\x02\x00",
    "video/quicktime": b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00",
    "video/x-msvideo": b"RIFF\x00\x10\x00\x00AVI LIST",
    "audio/wav": b"RIFF\x24\x08\x00\x00WAVEfmt ",
    "audio/ogg": b"OggS\x00\x02" + bytes(20) + b"OpusHead",
    "video/ogg": b"OggS\x00\x02" + bytes(22) + b"\x80theora",
    "video/mp2t": (b"\x47\x40\x00\x10" + bytes(184)) * 3,
    "audio/flac": b"fLaC\x00\x00\x00\x22",
    "audio/mpeg": _MP3_FRAME * 2,
    "audio/aac": _ADTS * 3,
}
OTHERS = {
    "a PDF document": b"%PDF-1.7\n%\xe2\xe3",
    "a PNG image": b"\x89PNG\r\n\x1a\n\x00\x00",
    "a JPEG image": b"\xff\xd8\xff\xe0\x00\x10JFIF",
    "a WebP image": b"RIFF\x00\x10\x00\x00WEBPVP8 ",
    "a HEIF image": b"\x00\x00\x00\x20ftypheic\x00\x00\x00\x00",
    "text": "Grüße, dies ist kein Film.\n".encode(),
    "an empty file": b"",
    "of no type that is known here": b"\x00\x01\x02\x03\x80\x81",
}


@pytest.mark.parametrize("content_type", KNOWN)
def test_media_is_recognised(content_type: str) -> None:
    assert media_kind(KNOWN[content_type]).content_type == content_type


@pytest.mark.parametrize("name", ["screen-vp8.webm", "screen-h264.webm"])
def test_a_browsers_recording_is_webm_or_matroska(name: str) -> None:
    head = (MEDIA / name).read_bytes()[:HEAD_BYTES]
    assert media_kind(head).content_type in ("video/webm", "video/x-matroska")


def test_an_id3_tag_is_mp3() -> None:
    assert media_kind(b"ID3\x04\x00\x00\x00\x00\x00\x00\x00TIT2").content_type == "audio/mpeg"


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_media_is_refused_by_name(name: str) -> None:
    with pytest.raises(Unacceptable, match=name) as caught:
        media_kind(OTHERS[name])
    assert caught.value.code == "unsupported_media"


def test_text_in_utf16_is_not_taken_for_an_mpeg_frame() -> None:
    assert looks_like("Guten Tag".encode("utf-16")) == "text"


@given(st.text(min_size=1).filter(lambda text: text.isprintable()))
def test_text_is_never_media(text: str) -> None:
    kind = recognise(text.encode()[:HEAD_BYTES])
    assert kind is None or not kind.media or text.startswith(("ID3", "OggS", "fLaC", "RIFF"))


@given(st.binary(max_size=64))
def test_any_bytes_get_an_answer(head: bytes) -> None:
    assert looks_like(head)


@pytest.mark.parametrize("head", [b"G" * 200, b"G" + bytes(187) + b"G" + bytes(10), b"GIF89a" + bytes(400)])
def test_a_single_mark_is_no_transport_stream(head: bytes) -> None:
    kind = recognise(head)
    assert kind is None or kind.content_type != "video/mp2t"
