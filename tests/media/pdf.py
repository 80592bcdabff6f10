"""PDFs for tests, written by hand: what is in them is what the test says, and nothing else."""

import zlib
from collections.abc import Sequence
from hashlib import md5

A4 = (595, 842)


def objects(*bodies: bytes, trailer: bytes = b"") -> bytes:
    """A PDF of those objects, numbered from 1; the first is the catalogue."""
    out, places = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), []
    for number, body in enumerate(bodies, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(bodies) + 1, trailer, start)
    return bytes(out)


def stream(data: bytes, fields: bytes = b"", *, packed: bool = False) -> bytes:
    """A stream object; `packed` with Flate."""
    body = zlib.compress(data, 9) if packed else data
    filtered = b"/Filter /FlateDecode " if packed else b""
    return b"<< %s%s /Length %d >>\nstream\n%s\nendstream" % (filtered, fields, len(body), body)


def document(pages: Sequence[str], *, size: tuple[float, float] = A4, language: str | None = None) -> bytes:
    """A PDF with that text on its pages, a line each line."""
    return of_contents([_shown(text) for text in pages], size=size, language=language)


def of_contents(
    contents: Sequence[bytes],
    *,
    size: tuple[float, float] = A4,
    language: str | None = None,
    resources: bytes = b"",
    more: Sequence[bytes] = (),
    packed: bool = False,
) -> bytes:
    """A PDF with those content streams; `more` are the objects from number 4 on, which `resources` may name."""
    first = 4 + len(more)
    kids = b" ".join(b"%d 0 R" % (first + 2 * number) for number in range(len(contents)))
    tag = b"/Lang (%s) " % language.encode() if language else b""
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R %s>>" % tag,
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(contents)),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        *more,
    ]
    for number, content in enumerate(contents):
        box = b"%g %g" % size
        bodies.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %s] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> %s >> >>" % (box, first + 2 * number + 1, resources)
        )
        bodies.append(stream(content, packed=packed))
    return objects(*bodies)


def _shown(text: str) -> bytes:
    lines = [line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)") for line in text.splitlines()]
    shown = b"".join(b"(%s) Tj T* " % line.encode("latin-1") for line in lines)
    return b"BT /F1 11 Tf 14 TL 60 780 Td %sET" % shown


_PADDING = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")


def encrypted(password: str) -> bytes:
    """A PDF of one page that opens with that password alone: ISO 32000-1, 7.6, revision 2 of the standard handler."""
    secret, identity, rights = (password.encode() + _PADDING)[:32], b"0123456789abcdef", -4
    owner = _rc4(md5(secret, usedforsecurity=False).digest()[:5], secret)
    made_of = secret + owner + rights.to_bytes(4, "little", signed=True) + identity
    user = _rc4(md5(made_of, usedforsecurity=False).digest()[:5], _PADDING)
    lock = b"<< /Filter /Standard /V 1 /R 2 /O <%s> /U <%s> /P %d >>" % (
        owner.hex().encode(),
        user.hex().encode(),
        rights,
    )
    named = identity.hex().encode()
    return objects(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
        trailer=b"/Encrypt %s /ID [<%s> <%s>] " % (lock, named, named),
    )


def _rc4(key: bytes, data: bytes) -> bytes:
    state, j = list(range(256)), 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    out, i, j = bytearray(), 0, 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


def scanned(pages: int = 1) -> bytes:
    """A PDF whose pages are pictures: a grey square each, and no text."""
    picture = stream(
        bytes([128]) * 64,
        b"/Type /XObject /Subtype /Image /Width 8 /Height 8 /ColorSpace /DeviceGray /BitsPerComponent 8",
    )
    shown = b"q 595 0 0 842 0 0 cm /X Do Q"
    return of_contents([shown] * pages, resources=b"/XObject << /X 4 0 R >>", more=[picture])


def forms_in_forms(depth: int, times: int) -> bytes:
    """A PDF whose page draws forms that draw forms: `times` to the power of `depth` of them, in a few hundred bytes."""
    box = b"/Type /XObject /Subtype /Form /BBox [0 0 600 800] "
    forms = [
        stream(b"/X Do " * times, box + b"/Resources << /XObject << /X %d 0 R >> >>" % (5 + level))
        for level in range(depth)
    ]
    forms.append(stream(b"0 0 m 100 100 l S", box))
    return of_contents([b"/X Do"], resources=b"/XObject << /X 4 0 R >>", more=forms)
