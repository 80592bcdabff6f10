"""The headers of answers that mean something to a client, each described once."""

from typing import Any

from aiohttp import hdrs

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
_MAY_BE_MISSING = {"RateLimit", "RateLimit-Policy", hdrs.RETRY_AFTER}
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
    kind = "integer" if name == hdrs.RETRY_AFTER else "string"
    return {"description": meaning, "required": name not in _MAY_BE_MISSING, "schema": {"type": kind}}


def references(names: tuple[str, ...]) -> dict[str, Any]:
    """An answer's headers: these, and those that every answer has."""
    assert set(names) <= set(_MEANINGS), f"a header without a description: {names}"
    return {str(name): {"$ref": f"#/components/headers/{name}"} for name in (*names, *EVERYWHERE)}


def of_problem(status: int) -> dict[str, Any]:
    """The headers of a problem with that status."""
    return references(_OF_PROBLEMS.get(status, ()))
