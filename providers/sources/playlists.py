"""What an HLS playlist (RFC 8216) asks for: the variant that is taken of a master playlist, the pieces of a media one.

Addresses in it are as little to be trusted as the playlist's own: they are only joined here, and asked by the guard.
Pure functions; reading a long playlist takes a second of processor time, so they are called in a thread.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urljoin

import m3u8
from m3u8 import ParseError
from m3u8.model import MalformedPlaylistError

from schemas.failures import Permanent

MOST_BYTES = 4 * 1024 * 1024
_MOST_PIECES = 50_000
_MOST_LINES = 400_000
_LONGEST_LINE = 16 * 1024
_MOST_VARIANTS = 1000
_MOST_COMPARED = 16_000_000
"""Of keys and headers with each other and with the pieces, which is how they are read: seconds."""
_SENSIBLE_BITRATE = 6_000_000
_MARK = b"#EXTM3U"
_BROKEN = (ParseError, MalformedPlaylistError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError)


class Key(NamedTuple):
    """What a piece is encrypted with: AES-128 in CBC mode, the key at that address, this initialization vector."""

    url: str
    iv: bytes


class Piece(NamedTuple):
    """A piece of the stream: an address, or `length` bytes from `start` there. `header`: what pieces after it need."""

    url: str
    start: int = 0
    length: int | None = None
    key: Key | None = None
    header: bool = False


class Variant(NamedTuple):
    """A media playlist of a master playlist. `sound_alone`: the picture is in another one, and is left out."""

    url: str
    sound_alone: bool = False


def is_playlist(head: bytes) -> bool:
    """Whether a file that begins so is a playlist."""
    return head.removeprefix(b"\xef\xbb\xbf").startswith(_MARK)


def read(text: bytes, url: str) -> Variant | list[Piece]:
    """What is to be fetched next: the variant to be taken, or all pieces in order.

    Raises Permanent (playlist_broken, playlist_live, download_protected).
    """
    try:
        playlist = m3u8.loads(_expect_readable(text.decode("utf-8-sig")))
        return _chosen(playlist, url) if playlist.is_variant else list(_pieces(playlist, url))
    except _BROKEN as error:
        raise _broken("The playlist cannot be read.") from error


def _expect_readable(text: str) -> str:
    """The text, unless reading it would take more than seconds: that grows with the square of some of its lines."""
    lines = text.splitlines()
    pieces = sum(line[:1] not in ("", "#") for line in lines)
    marks = text.count("#EXT-X-KEY") + text.count("#EXT-X-MAP")
    variants = max(text.count("STREAM-INF"), text.count("#EXT-X-MEDIA:"))
    if len(lines) > _MOST_LINES or pieces > _MOST_PIECES or variants > _MOST_VARIANTS:
        raise _broken("The playlist is too long.")
    if marks * max(marks, pieces) > _MOST_COMPARED:
        raise _broken("The playlist names too many keys and headers.")
    if max(map(len, lines), default=0) > _LONGEST_LINE:
        raise _broken("A line of the playlist is too long.")
    return text


def _chosen(playlist: Any, url: str) -> Variant:
    """The best picture of a sensible bitrate that has its sound with it; where none has, the sound alone."""
    apart = {media.group_id: media for media in playlist.media if media.type == "AUDIO" and media.uri}
    together = [variant for variant in playlist.playlists if variant.stream_info.audio not in apart]
    if together:
        return Variant(urljoin(url, _best(together).uri))
    if not apart:
        raise _broken("The playlist lists nothing that could be played.")
    sounds = [media for media in playlist.media if media.type == "AUDIO" and media.uri]
    return Variant(urljoin(url, next((one for one in sounds if one.default == "YES"), sounds[0]).uri), sound_alone=True)


def _best(variants: list[Any]) -> Any:
    """The highest bitrate up to the sensible one, or the lowest of all."""
    sensible = [variant for variant in variants if _bitrate(variant) <= _SENSIBLE_BITRATE]
    return max(sensible, key=_bitrate) if sensible else min(variants, key=_bitrate)


def _bitrate(variant: Any) -> int:
    return int(variant.stream_info.bandwidth or 0)


def _pieces(playlist: Any, url: str) -> Iterator[Piece]:
    if not (playlist.is_endlist or playlist.playlist_type == "vod"):
        raise Permanent("playlist_live", "The lecture is still being broadcast: it can be downloaded when it is over.")
    if not 0 < len(playlist.segments) <= _MOST_PIECES:
        raise _broken(f"The playlist must list something, and at most {_MOST_PIECES} pieces.")
    ends: dict[str, int] = {}
    header: Piece | None = None
    for number, segment in enumerate(playlist.segments, start=playlist.media_sequence or 0):
        key = _key(segment.key, url, number)
        if (needed := _header(segment.init_section, url, key)) and needed != header:
            yield (header := needed)
        if segment.uri and not segment.gap_tag:
            yield _ranged(urljoin(url, segment.uri), segment.byterange, ends, key)


def _header(section: Any, url: str, key: Key | None) -> Piece | None:
    """What has to come before the segments of fragmented MP4."""
    if section is None or not section.uri:
        return None
    piece = _ranged(urljoin(url, section.uri), section.byterange, {}, None)
    return piece._replace(header=True, key=key)


def _ranged(url: str, wanted: str | None, ends: dict[str, int], key: Key | None) -> Piece:
    """A part of a file goes on where the part before it ended, unless it says where it begins."""
    if not wanted:
        return Piece(url, key=key)
    found = re.fullmatch(r"(\d{1,15})(?:@(\d{1,15}))?", wanted.strip('"'))
    if not found or not int(found[1]):
        raise _broken("The playlist names a range that is none.")
    length, start = int(found[1]), int(found[2]) if found[2] else ends.get(url, 0)
    ends[url] = start + length
    return Piece(url, start, length, key)


def _key(key: Any, url: str, number: int) -> Key | None:
    if key is None or not key.method or key.method == "NONE":
        return None
    if key.method != "AES-128" or key.keyformat not in (None, "identity") or not key.uri:
        raise Permanent("download_protected", "The lecture is protected against copying, and cannot be downloaded.")
    iv = int(key.iv, 16) if key.iv else number
    return Key(urljoin(url, key.uri), iv.to_bytes(16, "big"))


def _broken(why: str) -> Permanent:
    return Permanent("playlist_broken", why)
