"""The OpenAPI 3.1 description, made from the table of routes and the models of the contract.

What many operations have in common is a component: schemas and examples of bodies, problems by their codes, headers.
"""

import sys
from typing import Any

import orjson

from api import handlers
from api.openapi.bodies import Bodies
from api.openapi.codes import problem_codes
from api.openapi.headers import described
from api.openapi.parameters import parameters
from api.openapi.responses import Responses
from api.openapi.security import SCHEMES, security
from api.table import Route
from schemas.problems import CODES

__all__ = ["describe", "problem_codes"]

_ABOUT = """Recordings in; playable media, transcripts and analyses out.

A slash at the end of a path never matters. A GET answers HEAD too where a body has a length. A method that a path does
not have is answered with 405, the code `method_not_allowed` and an `Allow` header; a path that is none with 404 and
`not_found`. Every error is `application/problem+json` (RFC 9457) with a stable `code`, and `x-codes` lists those of an
answer. Every answer carries `X-Request-ID`, which the log has too, and where requests are counted `RateLimit` and
`RateLimit-Policy`. Lists are read page by page: `next_cursor` of one
answer is `cursor` of the next request. Times are RFC 3339 in UTC, durations and positions seconds, sizes bytes.
"""


_BEFORE = """
Besides what the operations list, any request may be answered with one of these: {codes}.
"""


def describe(routes: tuple[Route, ...]) -> bytes:
    """The whole description as JSON."""
    bodies = Bodies(routes)
    responses = Responses(bodies)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, bodies, responses)
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Tidemark", "version": "1", "description": _ABOUT + _before(routes)},
        "servers": [{"url": "/", "description": "This service"}],
        "tags": _tags(routes),
        "paths": paths,
        "components": {
            "schemas": bodies.schemas,
            "examples": bodies.examples | responses.examples,
            "responses": responses.problems,
            "headers": described(),
            "securitySchemes": SCHEMES,
        },
    }
    return orjson.dumps(document)


def _before(routes: tuple[Route, ...]) -> str:
    """What is said of the codes that answer requests, and are those of no operation."""
    told = {code for route in routes for code in problem_codes(route)}
    others = (entry for entry in CODES.values() if entry.status and entry.code not in told)
    return _BEFORE.format(codes=", ".join(f"`{entry.code}` ({entry.status})" for entry in others))


def _tags(routes: tuple[Route, ...]) -> list[dict[str, str]]:
    """A group for each noun, described as its module of handlers describes itself."""
    nouns = dict.fromkeys(route.noun for route in routes)
    modules = {noun: sys.modules[f"{handlers.__name__}.{noun}"] for noun in nouns}
    return [{"name": noun, "description": (module.__doc__ or "").strip()} for noun, module in modules.items()]


def _operation(route: Route, bodies: Bodies, responses: Responses) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.operation_id,
        "tags": [route.noun],
        "summary": route.summary,
        "description": _description(route),
        "security": security(route),
        "parameters": parameters(route),
        "responses": responses.of(route),
    }
    body = bodies.request(route)
    return operation | ({"requestBody": body} if body else {})


def _description(route: Route) -> str:
    text = " ".join((route.handler.__doc__ or "").split())
    return f"{text} Another address of {route.alias_of}." if route.alias_of else text
