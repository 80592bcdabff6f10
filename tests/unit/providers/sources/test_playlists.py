"""What a playlist asks for: the right variant, every piece in order, and nothing of what cannot be had."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.sources.playlists import Key, Piece, Variant, is_playlist, read
from schemas.failures import Permanent

AT = "https://media.example/a/b/media.m3u8?token=1"


def playlist(*lines: str, end: str = "#EXT-X-ENDLIST") -> bytes:
    return "\n".join(("#EXTM3U", "#EXT-X-TARGETDURATION:4", *lines, end)).encode()


def refused(text: bytes) -> str:
    with pytest.raises(Permanent) as refusal:
        read(text, AT)
    return refusal.value.code


def test_pieces_come_in_order_and_are_addressed_from_the_playlist():
    text = playlist("#EXTINF:4,", "1.ts?x=1", "#EXTINF:4,", "/2.ts", "#EXTINF:4,", "//other.example/3.ts")
    found = [piece.url for piece in read(text, AT)]
    assert found == ["https://media.example/a/b/1.ts?x=1", "https://media.example/2.ts", "https://other.example/3.ts"]


def test_a_range_goes_on_where_the_one_before_it_ended():
    text = playlist(
        *("#EXTINF:4,", "#EXT-X-BYTERANGE:10@5", "a.ts", "#EXTINF:4,", "#EXT-X-BYTERANGE:7", "a.ts"),
        *("#EXTINF:4,", "#EXT-X-BYTERANGE:3", "b.ts"),
    )
    assert [(piece.start, piece.length) for piece in read(text, AT)] == [(5, 10), (15, 7), (0, 3)]


def test_a_header_comes_before_what_needs_it_and_once():
    text = playlist(
        *('#EXT-X-MAP:URI="i.mp4",BYTERANGE="100@0"', "#EXTINF:4,", "1.m4s", "#EXTINF:4,", "2.m4s"),
        *("#EXT-X-DISCONTINUITY", '#EXT-X-MAP:URI="j.mp4"', "#EXTINF:4,", "3.m4s"),
    )
    found = [(piece.url.rsplit("/", 1)[1], piece.header) for piece in read(text, AT)]
    assert found == [("i.mp4", True), ("1.m4s", False), ("2.m4s", False), ("j.mp4", True), ("3.m4s", False)]


def test_a_key_counts_until_the_next_one_and_pieces_without_a_vector_have_their_number():
    text = playlist(
        *("#EXT-X-MEDIA-SEQUENCE:7", '#EXT-X-KEY:METHOD=AES-128,URI="k"', "#EXTINF:4,", "1.ts", "#EXTINF:4,", "2.ts"),
        *('#EXT-X-KEY:METHOD=AES-128,URI="k",IV=0x10', "#EXTINF:4,", "3.ts", "#EXT-X-KEY:METHOD=NONE"),
        *("#EXTINF:4,", "4.ts"),
    )
    vectors = [piece.key and int.from_bytes(piece.key.iv, "big") for piece in read(text, AT)]
    assert vectors == [7, 8, 16, None]
    assert read(text, AT)[0].key == Key("https://media.example/a/b/k", (7).to_bytes(16, "big"))


@pytest.mark.parametrize(
    "lines",
    [
        [line for n in range(4001) for line in (f'#EXT-X-KEY:METHOD=AES-128,URI="{n}"', "#EXTINF:4,", "1.ts")],
        [line for n in range(4001) for line in (f'#EXT-X-MAP:URI="{n}"', "#EXTINF:4,", "1.ts")],
        [f'#EXT-X-KEY:METHOD=AES-128,URI="{n}"' for n in range(400)] + ["#EXTINF:4,", "1.ts"] * 41_000,
        ["#EXTINF:4,", "1.ts"] * 50_001,
        ["#EXT-X-STREAM-INF:BANDWIDTH=1", "1.m3u8"] * 1001,
        ['#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="g",NAME="n",URI="a"'] * 1001,
        [""] * 400_001,
        ["#EXTINF:4," + "a" * 17_000, "1.ts"],
    ],
    ids=["keys", "headers", "keys and pieces", "pieces", "variants", "sounds", "lines", "line"],
)
def test_what_would_take_long_to_read_is_refused_unread(lines, monkeypatch):
    monkeypatch.setattr("m3u8.loads", lambda _: pytest.fail("It was read."))
    assert refused(playlist(*lines)) == "playlist_broken"


def test_a_key_for_each_piece_of_a_long_lecture_is_read():
    lines = (line for n in range(3000) for line in (f'#EXT-X-KEY:METHOD=AES-128,URI="{n}"', "#EXTINF:4,", "1.ts"))
    assert len(read(playlist(*lines), AT)) == 3000


def test_a_gap_is_left_out():
    text = playlist("#EXTINF:4,", "1.ts", "#EXTINF:4,", "#EXT-X-GAP", "2.ts", "#EXTINF:4,", "3.ts")
    assert [piece.url[-4:] for piece in read(text, AT)] == ["1.ts", "3.ts"]


@pytest.mark.parametrize(
    "key",
    [
        'METHOD=SAMPLE-AES,URI="skd://1",KEYFORMAT="com.apple.streamingkeydelivery"',
        'METHOD=AES-128,URI="k",KEYFORMAT="com.example"',
        'METHOD=SAMPLE-AES-CTR,URI="data:text/plain;base64,AAAA"',
    ],
)
def test_what_is_protected_is_not_downloaded(key):
    assert refused(playlist(f"#EXT-X-KEY:{key}", "#EXTINF:4,", "1.ts")) == "download_protected"


def test_a_broadcast_without_an_end_is_not_downloaded():
    assert refused(playlist("#EXTINF:4,", "1.ts", end="")) == "playlist_live"
    assert refused(playlist("#EXT-X-PLAYLIST-TYPE:EVENT", "#EXTINF:4,", "1.ts", end="")) == "playlist_live"
    assert read(playlist("#EXT-X-PLAYLIST-TYPE:VOD", "#EXTINF:4,", "1.ts", end=""), AT)


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("#EXTINF:4,", "#EXT-X-BYTERANGE:0@5", "a.ts"),
        ("#EXTINF:4,", "#EXT-X-BYTERANGE:many", "a.ts"),
        ('#EXT-X-KEY:METHOD=AES-128,URI="k",IV=0xffffffffffffffffffffffffffffffffff', "#EXTINF:4,", "a.ts"),
    ],
)
def test_what_cannot_be_read_is_broken(lines):
    assert refused(playlist(*lines)) == "playlist_broken"


def master(*lines: str) -> bytes:
    return "\n".join(("#EXTM3U", *lines)).encode()


def test_the_best_variant_of_a_sensible_bitrate_is_taken():
    text = master(
        *("#EXT-X-STREAM-INF:BANDWIDTH=800000", "low.m3u8", "#EXT-X-STREAM-INF:BANDWIDTH=3000000", "high.m3u8"),
        *("#EXT-X-STREAM-INF:BANDWIDTH=40000000", "raw.m3u8"),
    )
    assert read(text, AT) == Variant("https://media.example/a/b/high.m3u8")


def test_where_all_are_too_much_the_least_is_taken():
    text = master("#EXT-X-STREAM-INF:BANDWIDTH=40000000", "a.m3u8", "#EXT-X-STREAM-INF:BANDWIDTH=30000000", "b.m3u8")
    assert read(text, AT) == Variant("https://media.example/a/b/b.m3u8")


def test_a_picture_without_its_sound_is_not_taken():
    sound = '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="{0}",DEFAULT={1},URI="{0}.m3u8"'
    apart = ('#EXT-X-STREAM-INF:BANDWIDTH=900000,AUDIO="a"', "film.m3u8")
    sounds = (sound.format("de", "NO"), sound.format("en", "YES"))
    assert read(master(*sounds, *apart), AT) == Variant("https://media.example/a/b/en.m3u8", sound_alone=True)
    together = ("#EXT-X-STREAM-INF:BANDWIDTH=100000", "both.m3u8")
    assert read(master(*sounds, *apart, *together), AT) == Variant("https://media.example/a/b/both.m3u8")


def test_what_begins_as_a_playlist_is_one():
    assert is_playlist(b"#EXTM3U\n")
    assert is_playlist(b"\xef\xbb\xbf#EXTM3U\r\n")
    assert not is_playlist(b"<html>#EXTM3U")


_LINES = st.sampled_from(
    (
        *(
            "#EXTINF:4,",
            "#EXTINF:,",
            "#EXTINF:x",
            "a.ts",
            "#EXT-X-ENDLIST",
            "#EXT-X-BYTERANGE:5",
            "#EXT-X-KEY:METHOD=X",
        ),
        *(
            '#EXT-X-KEY:METHOD=AES-128,URI="k",IV=0xzz',
            '#EXT-X-MAP:URI="m"',
            "#EXT-X-MAP:",
            "#EXT-X-MEDIA:",
            "#EXT-X-GAP",
        ),
        *("#EXT-X-STREAM-INF:BANDWIDTH=x", "#EXT-X-STREAM-INF:", "#EXT-X-MEDIA-SEQUENCE:-3", "#EXT-X-VERSION:?"),
        *("#EXT-X-PROGRAM-DATE-TIME:never", "#EXT-X-DATERANGE:ID", "#EXT-X-PART:", "#EXT-X-CUE-OUT:", "http://[/"),
    )
)


@given(st.lists(_LINES | st.text(max_size=20), max_size=12))
def test_whatever_a_playlist_says_it_is_read_or_refused(lines):
    found, refusal = [], None
    try:
        found = read("\n".join(("#EXTM3U", *lines)).encode("utf-8", "surrogatepass"), AT)
    except Permanent as error:
        refusal = error
    assert refusal is None or refusal.code in ("playlist_broken", "playlist_live", "download_protected")
    assert isinstance(found, Variant) or all(isinstance(piece, Piece) for piece in found)
