"""What stands in a route's path, query and headers."""

import re
from typing import Any

from aiohttp import hdrs
from pydantic import BaseModel

from api import tus
from api.openapi.bodies import REF, Plainly
from api.table import Route
from schemas.media import RenditionKind
from schemas.pipeline import STAGE_NAMES
from schemas.requests import PROJECT_ID

_PLACEHOLDER = re.compile(r"([\w-]+)/{(\w+)}")
_STRING: dict[str, Any] = {"type": "string"}
_IN_PATH: dict[str, tuple[str, dict[str, Any]]] = {
    "course_id": ("The course: a name that its owner chose.", {"type": "string", "pattern": PROJECT_ID}),
    "kind": ("Which rendition.", {"type": "string", "enum": [kind.value for kind in RenditionKind]}),
    "name": ("The file's name.", _STRING),
    "number": ("Its number, from 0.", {"type": "integer", "minimum": 0}),
    "owner_id": ("Whose it is: the id of an account.", _STRING),
    "project_id": (
        "The project: a name that the caller chose.",
        {"type": "string", "pattern": PROJECT_ID, "examples": ["website"]},
    ),
    "stage": ("Which stage of the pipeline.", {"type": "string", "enum": list(STAGE_NAMES)}),
}
_IN_HEADER = {
    hdrs.RANGE: "Which bytes: one range (RFC 9110).",
    hdrs.IF_RANGE: "The ETag that Range is about; with another one the whole is sent.",
    hdrs.IF_NONE_MATCH: "ETags that the client has already.",
    "Last-Event-ID": "The id of the newest event that the client has seen.",
    tus.RESUMABLE: "The version of tus that the client speaks.",
    tus.LENGTH: "How many bytes the upload has in all; when it is begun, or with a later PATCH.",
    tus.DEFER: "`1`: the length is told later.",
    tus.OFFSET: "How many bytes of the upload are there already: where these follow.",
    tus.METADATA: "Pairs of a key and a text in base64: filename, title, project_id, quality, fps and others.",
    tus.CHECKSUM: "How the bytes of this request are checked: sha1, sha256 or crc32, and the sum in base64.",
    tus.METHOD: "The method that is meant.",
}
_BYTES: dict[str, Any] = {"type": "integer", "minimum": 0}
_OF_HEADERS: dict[str, dict[str, Any]] = {
    tus.RESUMABLE: {"type": "string", "enum": [tus.VERSION]},
    tus.LENGTH: _BYTES,
    tus.DEFER: {"type": "string", "enum": ["1"]},
    tus.OFFSET: _BYTES,
    tus.METHOD: {"type": "string", "enum": ["PATCH", "DELETE", "HEAD"]},
}
_NEEDED = {tus.RESUMABLE, tus.METHOD}


def parameters(route: Route) -> list[dict[str, Any]]:
    """All of them, each described."""
    meant = {name: before for path in (route.path, route.alias_of or "") for before, name in _PLACEHOLDER.findall(path)}
    found = [_in_path(name, meant[name]) for _, name in _PLACEHOLDER.findall(route.path)]
    if route.takes and route.reads_query:
        found.extend(_query(route.takes))
    found.extend(_in_header(name) for name in _headers(route))
    return found


def _in_path(name: str, before: str) -> dict[str, Any]:
    meaning, schema = _IN_PATH.get(name, (f"Which of the {before}: its id.", _STRING))
    return {"name": name, "in": "path", "required": True, "description": meaning, "schema": schema}


def _query(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = model.model_json_schema(ref_template=REF, schema_generator=Plainly)
    definitions, required = schema.get("$defs", {}), schema.get("required", [])
    return [
        _in_query(name, name in required, _inlined(field, definitions)) for name, field in schema["properties"].items()
    ]


def _in_query(name: str, required: bool, schema: dict[str, Any]) -> dict[str, Any]:
    meaning = {"description": schema.pop("description")} if "description" in schema else {}
    return {"name": name, "in": "query", "required": required, **meaning, "schema": schema}


def _inlined(field: Any, definitions: dict[str, Any]) -> Any:
    """The schema with its references resolved: a query's models are no components."""
    if isinstance(field, dict) and "$ref" in field:
        inner = _inlined(definitions[field["$ref"].rsplit("/", 1)[-1]], definitions)
        return {**inner, **{name: value for name, value in field.items() if name != "$ref"}}
    if isinstance(field, dict):
        return {name: _inlined(value, definitions) for name, value in field.items()}
    return [_inlined(value, definitions) for value in field] if isinstance(field, list) else field


def _headers(route: Route) -> tuple[str, ...]:
    if "text/event-stream" in route.media:
        return ("Last-Event-ID", *route.asks)
    ranges = (hdrs.RANGE, hdrs.IF_RANGE, hdrs.IF_NONE_MATCH) if "range_not_satisfiable" in route.problems else ()
    return (*ranges, *route.asks)


def _in_header(name: str) -> dict[str, Any]:
    return {
        "name": str(name),
        "in": "header",
        "required": name in _NEEDED,
        "description": _IN_HEADER[name],
        "schema": _OF_HEADERS.get(name, _STRING),
    }
