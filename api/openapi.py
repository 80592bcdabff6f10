"""The OpenAPI 3.1 description, made from the table of routes and the models of the contract."""

import re
from typing import Any

import orjson
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.access import COOKIE, KEY_HEADER, Access
from api.examples import EXAMPLES
from api.table import Route
from schemas.media import RenditionKind
from schemas.pipeline import STAGE_NAMES
from schemas.problems import CODES, TYPE_PREFIX
from schemas.rates import RateClass
from schemas.requests import PROJECT_ID, Request
from schemas.responses import ProblemBody

_REF = "#/components/schemas/{model}"
_PLACEHOLDER = re.compile(r"{(\w+)}")
_JSON, _PROBLEM = "application/json", "application/problem+json"
_PATH_PARAMETERS: dict[str, dict[str, Any]] = {
    "course_id": {"type": "string", "pattern": PROJECT_ID},
    "kind": {"type": "string", "enum": [kind.value for kind in RenditionKind]},
    "number": {"type": "integer", "minimum": 0},
    "project_id": {"type": "string", "pattern": PROJECT_ID},
    "stage": {"type": "string", "enum": list(STAGE_NAMES)},
}
_SCHEMES: dict[str, dict[str, str]] = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE},
    "api_key": {"type": "apiKey", "in": "header", "name": KEY_HEADER},
    "ticket": {"type": "apiKey", "in": "query", "name": "ticket"},
}
_SECURITY: dict[Access, list[str]] = {
    Access.OPEN: [],
    Access.CALLER: ["bearer", "cookie", "api_key"],
    Access.WATCHER: ["bearer", "cookie", "api_key", "ticket"],
    Access.PERSON: ["bearer", "cookie"],
    Access.ADMIN: ["bearer", "cookie", "api_key"],
}
_STATUS_WORDS = {101: "The websocket is open", 201: "Created", 202: "Accepted", 204: "Done", 206: "A part of it"}


def describe(routes: tuple[Route, ...]) -> bytes:
    """The whole description as JSON."""
    models = sorted({model for route in routes for model in _models(route)}, key=lambda model: model.__name__)
    refs, schemas = models_json_schema([(model, _mode(model)) for model in models], ref_template=_REF)
    names = {model: refs[model, _mode(model)]["$ref"] for model in models}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, names)
    return orjson.dumps(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Tidemark",
                "version": "1",
                "description": "Recordings in; playable media, transcripts and analyses out. "
                "A slash at the end of a path never matters.",
            },
            "servers": [{"url": "/"}],
            "tags": [{"name": noun} for noun in dict.fromkeys(route.noun for route in routes)],
            "paths": paths,
            "components": {"schemas": schemas.get("$defs", {}), "securitySchemes": _SCHEMES},
        }
    )


def _models(route: Route) -> list[type[BaseModel]]:
    return [ProblemBody, *(model for model in (route.takes, route.gives) if model is not None)]


def _mode(model: type[BaseModel]) -> Any:
    return "validation" if issubclass(model, Request) else "serialization"


def _operation(route: Route, names: dict[type[BaseModel], str]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.operation_id,
        "tags": [route.noun],
        "summary": route.summary,
        "description": _description(route),
        "security": [{scheme: _needed(route, scheme)} for scheme in _SECURITY[route.access]],
        "parameters": _parameters(route),
        "responses": _responses(route, names),
    }
    if route.takes and not route.reads_query:
        content = {_JSON: {"schema": {"$ref": names[route.takes]}, **_example(route.takes)}}
        operation["requestBody"] = {"required": True, "content": content}
    if route.form:
        operation["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}
    return operation


def _needed(route: Route, scheme: str) -> list[str]:
    """The scopes that the route wants of the scheme."""
    return [route.scope] if scheme == "api_key" else []


_FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": {"type": "string", "format": "binary", "description": "A video or audio file."}},
}


def _description(route: Route) -> str:
    text = " ".join((route.handler.__doc__ or "").split())
    return f"{text} Another address of {route.alias_of}." if route.alias_of else text


def _parameters(route: Route) -> list[dict[str, Any]]:
    found = [
        {"name": name, "in": "path", "required": True, "schema": _PATH_PARAMETERS.get(name, {"type": "string"})}
        for name in _PLACEHOLDER.findall(route.path)
    ]
    if route.takes and route.reads_query:
        found.extend(_query(route.takes))
    found.extend(_header(name) for name in _headers(route))
    return found


def _query(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = model.model_json_schema(ref_template=_REF)
    definitions = schema.get("$defs", {})
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _inlined(field, definitions)}
        for name, field in schema["properties"].items()
    ]


def _inlined(field: Any, definitions: dict[str, Any]) -> Any:
    """The schema with its references resolved: a query's models are no components."""
    if isinstance(field, dict) and "$ref" in field:
        return _inlined(definitions[field["$ref"].rsplit("/", 1)[-1]], definitions)
    if isinstance(field, dict):
        return {name: _inlined(value, definitions) for name, value in field.items()}
    return [_inlined(value, definitions) for value in field] if isinstance(field, list) else field


def _headers(route: Route) -> tuple[str, ...]:
    if "text/event-stream" in route.media:
        return ("Last-Event-ID",)
    return ("Range", "If-Range", "If-None-Match") if "range_not_satisfiable" in route.problems else ()


def _header(name: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "schema": {"type": "string"}}


def _responses(route: Route, names: dict[type[BaseModel], str]) -> dict[str, Any]:
    success = {"description": _STATUS_WORDS.get(route.status, "Done"), "content": _content(route, names)}
    responses = {str(route.status): {name: value for name, value in success.items() if value}}
    if "range_not_satisfiable" in route.problems:
        responses["206"] = responses["200"] | {"description": _STATUS_WORDS[206]}
        responses["304"] = {"description": "The client has it already"}
    if "text/event-stream" in route.media:
        responses["204"] = {"description": "The job has ended, and the client has seen its end"}
    if route.path == "/health/ready":
        responses["503"] = responses["200"] | {"description": "A part is away"}
    return responses | _problems(route, names)


def _content(route: Route, names: dict[type[BaseModel], str]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if route.gives:
        content[_JSON] = {"schema": {"$ref": names[route.gives]}, **_example(route.gives)}
    for media in route.media:
        textual = media.startswith("text/") or media == _JSON
        content[media] = {"schema": {"type": "object"} if media == _JSON else _STRING if textual else {}}
    return content


_STRING = {"type": "string"}


def _example(model: type[BaseModel]) -> dict[str, Any]:
    return {"example": EXAMPLES[model]} if model in EXAMPLES else {}


def _problems(route: Route, names: dict[type[BaseModel], str]) -> dict[str, Any]:
    """The problems of a route, by status; each with an example a code."""
    by_status: dict[int, list[str]] = {}
    for code in problem_codes(route):
        by_status.setdefault(CODES[code].status or 500, []).append(code)
    return {str(status): _problem(codes, names) for status, codes in sorted(by_status.items())}


def problem_codes(route: Route) -> tuple[str, ...]:
    """Every code that the route can answer with: its own, and those that follow from what it asks and takes."""
    codes = [*route.problems, "internal_error"]
    if route.access is not Access.OPEN:
        codes += ["not_signed_in", "token_expired", "token_invalid", "key_refused"]
    if route.access is Access.WATCHER:
        codes.append("too_many_watchers")
    if route.access is Access.ADMIN:
        codes.append("forbidden")
    if route.access is Access.WATCHER or (route.access is not Access.OPEN and route.method != "GET"):
        codes.append("origin_refused")
    if route.takes:
        codes.append("invalid_field")
    if route.takes and not route.reads_query:
        codes += ["invalid_json", "too_large", "request_timeout", "unsupported_encoding"]
    if route.form:
        codes += ["invalid_request", "request_timeout", "unsupported_encoding"]
    if route.rate_class is not RateClass.FREE:
        codes.append("rate_limited")
    if route.noun != "service":
        codes.append("unavailable")
    return tuple(dict.fromkeys(codes))


def _problem(codes: list[str], names: dict[type[BaseModel], str]) -> dict[str, Any]:
    examples = {
        code: {
            "value": {
                "type": TYPE_PREFIX + code,
                "title": CODES[code].title,
                "status": CODES[code].status,
                "code": code,
                "detail": CODES[code].title + ".",
            }
        }
        for code in codes
    }
    content = {_PROBLEM: {"schema": {"$ref": names[ProblemBody]}, "examples": examples}}
    return {"description": "; ".join(CODES[code].title for code in codes), "content": content}
