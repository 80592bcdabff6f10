"""The headers of answers that mean something to a client, each described once."""

from typing import Any

from aiohttp import hdrs

from api import tus

_REQUEST_ID = "X-Request-ID"
EVERYWHERE = (_REQUEST_ID,)
"""What every answer has."""
DOWNLOAD = (hdrs.ACCEPT_RANGES, hdrs.CONTENT_DISPOSITION, hdrs.ETAG)
"""What the answers about stored bytes have."""

_MEANINGS: dict[str, str] = {
    hdrs.ACCEPT_RANGES: "`bytes`: parts can be asked for by Range.",
    hdrs.CONTENT_DISPOSITION: "Whether it is shown or saved, and under which name (RFC 6266).",
    hdrs.CONTENT_RANGE: "Which bytes these are, and of how many; `*` where the range lies outside (RFC 9110).",
    hdrs.ETAG: "The mark of these bytes, for If-None-Match and If-Range.",
    hdrs.LOCATION: "Where what was made can be seen.",
    "RateLimit": "How many requests of the class are left, and in how many seconds it begins anew.",
    "RateLimit-Policy": "How many requests of the class are taken in how many seconds.",
    hdrs.RETRY_AFTER: "After how many seconds it is worth another try.",
    hdrs.WWW_AUTHENTICATE: "How to prove who is asking: Bearer.",
    _REQUEST_ID: "The request's id, as the log has it: the caller's, where it was sane.",
}
_MEANINGS |= {
    tus.RESUMABLE: "The version of tus that is spoken.",
    tus.VERSIONS: "The versions of tus that are spoken here.",
    tus.EXTENSION: "The extensions of tus that are spoken here.",
    tus.MAX_SIZE: "How many bytes an upload may have.",
    tus.ALGORITHMS: "What a checksum may be made by.",
    tus.OFFSET: "How many bytes of the upload are stored for good: where to go on.",
    tus.LENGTH: "How many bytes the upload has in all, where that is known.",
    tus.DEFER: "`1`: how many bytes it has in all is told later.",
    tus.METADATA: "What was said of the upload when it was begun: pairs of a key and a text in base64.",
    tus.EXPIRES: "Until when the upload can be gone on with (RFC 9110).",
}
_MAY_BE_MISSING = {"RateLimit", "RateLimit-Policy", hdrs.RETRY_AFTER}
_MAY_BE_MISSING |= {tus.OFFSET, tus.LENGTH, tus.DEFER, tus.METADATA, tus.EXPIRES}
_NUMBERS = {hdrs.RETRY_AFTER, tus.OFFSET, tus.LENGTH, tus.MAX_SIZE}
_OF_PROBLEMS: dict[int, tuple[str, ...]] = {
    401: (hdrs.WWW_AUTHENTICATE,),
    416: (hdrs.CONTENT_RANGE,),
    429: ("RateLimit", "RateLimit-Policy", hdrs.RETRY_AFTER),
    503: (hdrs.RETRY_AFTER,),
}


def described() -> dict[str, Any]:
    """Every header as a component."""
    return {str(name): _described(name, meaning) for name, meaning in _MEANINGS.items()}


def _described(name: str, meaning: str) -> dict[str, Any]:
    kind = "integer" if name in _NUMBERS else "string"
    return {"description": meaning, "required": name not in _MAY_BE_MISSING, "schema": {"type": kind}}


def references(names: tuple[str, ...]) -> dict[str, Any]:
    """An answer's headers: these, and those that every answer has."""
    assert set(names) <= set(_MEANINGS), f"a header without a description: {names}"
    return {str(name): {"$ref": f"#/components/headers/{name}"} for name in (*names, *EVERYWHERE)}


def of_problem(status: int) -> dict[str, Any]:
    """The headers of a problem with that status."""
    return references(_OF_PROBLEMS.get(status, ()))
