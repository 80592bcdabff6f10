"""The headers of tus 1.0.0 (tus.io, "Resumable upload protocol"): what is spoken here, and what a request says."""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime

from aiohttp import web
from pydantic import ValidationError

from api.checksums import ALGORITHMS as SUMS
from api.checksums import Checksum, is_sum
from api.problems import wrong_field, wrong_fields
from schemas.problems import Problem
from schemas.uploads import UploadMetadata

PATH = "/api/v1/uploads"
VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,creation-defer-length,expiration,termination,checksum"
CONTENT_TYPE = "application/offset+octet-stream"

RESUMABLE, VERSIONS, EXTENSION, MAX_SIZE = "Tus-Resumable", "Tus-Version", "Tus-Extension", "Tus-Max-Size"
ALGORITHMS = "Tus-Checksum-Algorithm"
LENGTH, DEFER, OFFSET = "Upload-Length", "Upload-Defer-Length", "Upload-Offset"
METADATA, EXPIRES, CHECKSUM = "Upload-Metadata", "Upload-Expires", "Upload-Checksum"
METHOD = "X-HTTP-Method-Override"

REQUEST_HEADERS = (RESUMABLE, LENGTH, DEFER, OFFSET, METADATA, CHECKSUM, METHOD)
"""Those that a browser's page may send."""
ANSWER_HEADERS = (
    *("Location", RESUMABLE, VERSIONS, EXTENSION, MAX_SIZE, ALGORITHMS),
    *(LENGTH, DEFER, OFFSET, METADATA, EXPIRES),
)
"""Those that a browser's page may read."""

ASKS = (RESUMABLE,)
BEGINS = (*ASKS, LENGTH, DEFER, METADATA, CHECKSUM)
GOES_ON = (*ASKS, OFFSET, LENGTH, CHECKSUM)
"""What requests say: each, one that begins an upload, one that goes on with it."""
SPOKEN = (RESUMABLE, VERSIONS, EXTENSION, MAX_SIZE, ALGORITHMS)
WENT_ON = (RESUMABLE, OFFSET, EXPIRES)
STATE = (*WENT_ON, LENGTH, DEFER, METADATA)
"""What answers say: of this door, of bytes that were taken in, of how far an upload has come."""

_NUMBER = re.compile(r"[0-9]{1,16}")
_KEY = re.compile(r"[!-+\--~]+")
"""What is printable in ASCII, but space and comma."""
_LONGEST_METADATA = 4096
_ALIASES = {"name": "filename"}

CHECKSUMS = ",".join(SUMS)

Headers = Mapping[str, str]


async def speak(request: web.Request, response: web.StreamResponse) -> None:
    """Adds what every answer of this door says. A signal of aiohttp: it sees problems too."""
    if request.path.rstrip("/") != PATH and not request.path.startswith(f"{PATH}/"):
        return
    response.headers[RESUMABLE] = VERSION
    if response.status == 412:
        response.headers[VERSIONS] = VERSION


def expect_version(headers: Headers) -> None:
    """Raises Problem unsupported_version unless the request speaks the version that is spoken here."""
    if headers.get(RESUMABLE) != VERSION:
        raise Problem("unsupported_version", f"Send the header {RESUMABLE}: {VERSION}.")


def offset_of(headers: Headers) -> int:
    """The offset of a PATCH. Raises Problem invalid_field."""
    return _number(headers, OFFSET)


def length_of(headers: Headers) -> int | None:
    """The upload's length where the request says it. Raises Problem invalid_field."""
    return _number(headers, LENGTH) if LENGTH in headers else None


def length_of_new(headers: Headers) -> int | None:
    """The length of a new upload; None where it is to be told later. Raises Problem invalid_field."""
    deferred = headers.get(DEFER)
    if deferred is None:
        return _number(headers, LENGTH)
    if deferred != "1":
        raise wrong_field(DEFER, "must be 1")
    if LENGTH in headers:
        raise wrong_field(DEFER, f"cannot be sent with {LENGTH}")
    return None


def _number(headers: Headers, name: str) -> int:
    text = headers.get(name, "")
    if not _NUMBER.fullmatch(text):
        raise wrong_field(name, "must be a number of bytes")
    return int(text)


def checksum_of(headers: Headers) -> Checksum | None:
    """The checksum of the request's body, where it has one. Raises Problem invalid_field."""
    if CHECKSUM not in headers:
        return None
    algorithm, _, encoded = headers[CHECKSUM].partition(" ")
    if algorithm not in SUMS:
        raise wrong_field(CHECKSUM, f"must begin with one of {CHECKSUMS}")
    wanted = _decoded(CHECKSUM, encoded)
    if not is_sum(algorithm, wanted):
        raise wrong_field(CHECKSUM, f"is no {algorithm} sum")
    return Checksum(algorithm, wanted)


def metadata_of(headers: Headers) -> UploadMetadata:
    """What the client says of the upload. Keys that mean nothing here are ignored. Raises Problem invalid_field."""
    text = headers.get(METADATA, "")
    if len(text) > _LONGEST_METADATA:
        raise wrong_field(METADATA, f"must be at most {_LONGEST_METADATA} characters")
    found: dict[str, str] = {}
    for pair in filter(None, (pair.strip(" ") for pair in text.split(","))):
        key, _, encoded = pair.partition(" ")
        if not _KEY.fullmatch(key):
            raise wrong_field(METADATA, "must have keys of printable ASCII")
        if key in found:
            raise wrong_field(METADATA, "must have each key once")
        found[key] = _text(encoded)
    named = {_ALIASES.get(key, key): value for key, value in found.items() if _ALIASES.get(key) not in found}
    try:
        return UploadMetadata.model_validate({key: value for key, value in named.items() if value})
    except ValidationError as error:
        raise wrong_fields(error) from error


def _text(encoded: str) -> str:
    try:
        return _decoded(METADATA, encoded).decode()
    except UnicodeDecodeError as error:
        raise wrong_field(METADATA, "values must be UTF-8") from error


def _decoded(name: str, encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise wrong_field(name, "must be base64") from error


def expires(at: datetime) -> str:
    """A moment as HTTP writes it (RFC 9110)."""
    return format_datetime(at.astimezone(UTC), usegmt=True)
