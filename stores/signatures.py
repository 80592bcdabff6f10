"""What a file really is, by its first bytes. Names and announced types are never trusted.

The signatures are those of the formats' own specifications: EBML (RFC 8794), ISO BMFF, RIFF, Ogg (RFC 3533), ID3v2,
MPEG audio and ADTS frames, FLAC (RFC 9639), MPEG transport streams (ISO/IEC 13818-1), which HLS has, PDF (ISO 32000).
It says what a file claims to be; whether it can be decoded, a step finds.
"""

from typing import NamedTuple

HEAD_BYTES = 4096
"""How many first bytes are enough."""


class Kind(NamedTuple):
    """A recognised kind. `ending` is the usual one of its files; `media`: whether it is sound or moving picture."""

    content_type: str
    name: str
    ending: str
    media: bool = True


_WEBM = Kind("video/webm", "WebM", "webm")
_MATROSKA = Kind("video/x-matroska", "Matroska", "mkv")
_MP4 = Kind("video/mp4", "MP4", "mp4")
_M4A = Kind("audio/mp4", "MPEG-4 audio", "m4a")
_MOV = Kind("video/quicktime", "QuickTime", "mov")
_AVI = Kind("video/x-msvideo", "AVI", "avi")
_WAV = Kind("audio/wav", "WAV", "wav")
_OGG = Kind("audio/ogg", "Ogg", "ogg")
_OGG_VIDEO = Kind("video/ogg", "Ogg video", "ogv")
_MP3 = Kind("audio/mpeg", "MP3", "mp3")
_AAC = Kind("audio/aac", "AAC", "aac")
_TS = Kind("video/mp2t", "MPEG transport stream", "ts")
_FLAC = Kind("audio/flac", "FLAC", "flac")
CONTENT_TYPES = tuple(
    kind.content_type
    for kind in (_WEBM, _MATROSKA, _MP4, _M4A, _MOV, _AVI, _WAV, _OGG, _OGG_VIDEO, _MP3, _AAC, _TS, _FLAC)
)
"""What sound and moving picture are called."""
_GROWING = (_WEBM, _MATROSKA, _MP4)
_TS_BYTES, _TS_MARKS = 188, 5
PDF = Kind("application/pdf", "a PDF document", "pdf", media=False)
_PDF_WITHIN = 1024
"""Readers find a PDF's header behind so many bytes of something else."""
_IMAGE_BRANDS = (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis")
_ATOMS = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")

_OTHERS: tuple[tuple[bytes, str, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png", "a PNG image"),
    (b"\xff\xd8\xff", "image/jpeg", "a JPEG image"),
    (b"GIF8", "image/gif", "a GIF image"),
    (b"BM", "image/bmp", "a BMP image"),
    (b"PK\x03\x04", "application/zip", "a ZIP archive or an office document"),
    (b"\x1f\x8b", "application/gzip", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed", "a 7-Zip archive"),
    (b"Rar!", "application/vnd.rar", "a RAR archive"),
    (b"MZ", "application/x-msdownload", "a Windows program"),
    (b"\x7fELF", "application/x-elf", "a Linux program"),
    (b"\xd0\xcf\x11\xe0", "application/x-ole-storage", "an office document"),
)


def recognise(head: bytes) -> Kind | None:
    """The kind of a file that begins so; None for what is not known. Needs up to HEAD_BYTES of it."""
    if head.startswith(b"%PDF-"):
        return PDF
    return _container(head) or _other(head) or _audio_frames(head) or _text(head) or _late_pdf(head)


def growing(head: bytes) -> Kind | None:
    """The kind of a file that begins so, if it can be decoded while it still grows: WebM, and MP4 if in fragments."""
    kind = recognise(head)
    return kind if kind in _GROWING else None


def looks_like(head: bytes) -> str:
    """For a person: what a file that begins so looks like."""
    if not head:
        return "empty"
    kind = recognise(head)
    return kind.name if kind else "of no type that is known here"


def _late_pdf(head: bytes) -> Kind | None:
    """A PDF behind what a server or a mail program put before it; ISO 32000-1, annex H, lets readers look for it."""
    return PDF if b"%PDF-" in head[:_PDF_WITHIN] else None


def _container(head: bytes) -> Kind | None:
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return _WEBM if b"webm" in head[:64] else _MATROSKA
    if head.startswith(b"OggS"):
        return _OGG_VIDEO if b"\x80theora" in head[:256] else _OGG
    if head.startswith(b"fLaC"):
        return _FLAC
    if head[:4] in (b"RIFF", b"RF64", b"BW64"):
        return _riff(head[8:12])
    return _TS if _transport_packets(head) else _iso(head)


def _transport_packets(head: bytes) -> bool:
    """Whether packets of a transport stream are here: five in a row begin with its mark, or all of a short file."""
    marks = head[: _TS_MARKS * _TS_BYTES : _TS_BYTES]
    return set(marks) == {0x47} and (len(marks) == _TS_MARKS or len(head) % _TS_BYTES == 0)


def _riff(form: bytes) -> Kind | None:
    if form == b"WEBP":
        return Kind("image/webp", "a WebP image", "webp", media=False)
    return {b"WAVE": _WAV, b"AVI ": _AVI}.get(form)


def _iso(head: bytes) -> Kind | None:
    kind, brand = head[4:8], head[8:12]
    if kind != b"ftyp":
        return _MOV if kind in _ATOMS else None
    if brand in _IMAGE_BRANDS:
        return Kind("image/heif", "a HEIF image", "heic", media=False)
    if brand in (b"M4A ", b"M4B ", b"M4P "):
        return _M4A
    return _MOV if brand == b"qt  " else _MP4


def _other(head: bytes) -> Kind | None:
    for start, content_type, name in _OTHERS:
        if head.startswith(start):
            return Kind(content_type, name, "bin", media=False)
    return None


def _audio_frames(head: bytes) -> Kind | None:
    if head.startswith(b"ID3") and len(head) > 10:
        return _MP3
    if _follows_adts(head):
        return _AAC
    return _MP3 if _mpeg_frame(head) else None


def _follows_adts(head: bytes) -> bool:
    """Whether an ADTS frame is here, and another where it ends (or the file ends there)."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or (head[2] >> 2) & 0xF > 12:
        return False
    length = (head[3] & 0x3) << 11 | head[4] << 3 | head[5] >> 5
    rest = head[length : length + 2]
    return length >= 7 and (len(rest) < 2 or (rest[0] == 0xFF and rest[1] & 0xF6 == 0xF0))


def _mpeg_frame(head: bytes) -> bool:
    """Whether an MPEG audio frame of layer II or III is here. Layer I is left out: it looks like UTF-16's mark."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer = (head[1] >> 3) & 0x3, (head[1] >> 1) & 0x3
    bitrate, rate = head[2] >> 4, (head[2] >> 2) & 0x3
    return version != 1 and layer in (1, 2) and bitrate not in (0, 15) and rate != 3


def _text(head: bytes) -> Kind | None:
    text = Kind("text/plain", "text", "txt", media=False)
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        return text
    printable = all(byte >= 0x20 or byte in b"\t\n\r\f\x1b" for byte in head)
    try:
        head[:-4].decode() if len(head) >= HEAD_BYTES else head.decode()
    except UnicodeDecodeError as error:
        return text if printable and error.start >= len(head) - 8 else None
    return text if head and printable else None
