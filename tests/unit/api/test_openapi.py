"""The description as a document: valid OpenAPI 3.1, whole, and nothing in it said twice."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for

from api.openapi import describe
from api.routes import ROUTES
from schemas.problems import CODES, TYPE_PREFIX

DOCUMENT: dict[str, Any] = json.loads(describe(ROUTES))
COMPONENTS: dict[str, dict[str, Any]] = DOCUMENT["components"]


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


EACH = pytest.mark.parametrize("operation", [pytest.param(found, id=name) for name, found in operations()])


def test_it_is_openapi_3_1() -> None:
    schemathesis.openapi.from_dict(DOCUMENT).validate()


def test_every_component_is_used_and_every_reference_leads_to_one() -> None:
    used = set(re.findall(r'"#/components/(\w+/[\w.-]+)"', json.dumps(DOCUMENT)))
    there = {f"{kind}/{name}" for kind in set(COMPONENTS) - {"securitySchemes"} for name in COMPONENTS[kind]}
    assert used == there


def test_schemas_are_schemas() -> None:
    for schema in COMPONENTS["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_examples_fit_their_schemas() -> None:
    for _, operation in operations():
        for content in [operation.get("requestBody", {}), *operation["responses"].values()]:
            for media in content.get("content", {}).values():
                for example in media.get("examples", {}):
                    fits(COMPONENTS["examples"][example]["value"], media["schema"])


def fits(value: Any, schema: dict[str, Any]) -> None:
    whole = {**schema, "components": COMPONENTS}
    validator_for(whole, default=Draft202012Validator)(whole).validate(value)


@EACH
def test_everything_has_a_meaning(operation: dict[str, Any]) -> None:
    assert operation["tags"][0] in {tag["name"] for tag in DOCUMENT["tags"] if tag["description"]}
    for parameter in operation["parameters"]:
        assert parameter.get("description"), parameter["name"]


@EACH
def test_bodies_have_examples(operation: dict[str, Any]) -> None:
    contents = [operation.get("requestBody", {}), *operation["responses"].values()]
    for media in (content.get("content", {}).get("application/json") for content in contents):
        assert media is None or media["schema"] == {"type": "object"} or media["examples"]


@EACH
def test_an_answer_of_a_kind_has_its_headers(operation: dict[str, Any]) -> None:
    for status, answer in operation["responses"].items():
        headers = COMPONENTS["responses"][answer["$ref"].rsplit("/", 1)[-1]] if "$ref" in answer else answer
        assert "X-Request-ID" in headers["headers"]
        wanted = {"206": "Content-Range", "401": "WWW-Authenticate", "416": "Content-Range", "503": "Retry-After"}
        assert status not in wanted or wanted[status] in headers["headers"]


def test_a_body_says_how_large_it_may_be() -> None:
    said = {name: found["requestBody"]["description"] for name, found in operations() if _takes_json(found)}
    assert said.pop("POST /api/v1/recordings/{id}/multipart-complete") == "At most 2048 KiB."
    assert set(said.values()) == {"At most 64 KiB."}


def _takes_json(operation: dict[str, Any]) -> bool:
    return "application/json" in operation.get("requestBody", {}).get("content", {})


def test_a_problem_is_described_once() -> None:
    for name, response in COMPONENTS["responses"].items():
        assert response["x-codes"] == name.split(".")
        statuses = {CODES[code].status for code in response["x-codes"]}
        assert len(statuses) == 1
        for code in response["x-codes"]:
            value = COMPONENTS["examples"][code]["value"]
            assert (value["code"], value["type"]) == (code, TYPE_PREFIX + code)


def test_a_stream_says_what_its_events_hold() -> None:
    events = DOCUMENT["paths"]["/api/v1/jobs/{id}/events"]["get"]["responses"]["200"]["content"]["text/event-stream"]
    assert events["schema"]["properties"]["data"]["contentSchema"] == {"$ref": "#/components/schemas/JobView"}
    frames = DOCUMENT["paths"]["/api/v1/jobs/{id}/ws"]["get"]["responses"]["101"]["x-frames"]
    assert frames == {"$ref": "#/components/schemas/JobView"}


def test_it_stays_small() -> None:
    assert len(describe(ROUTES)) < 2500 * len(ROUTES)


def test_what_tus_says_by_headers_is_described() -> None:
    def asked(path: str, method: str) -> set[str]:
        return {one["name"] for one in DOCUMENT["paths"][path][method]["parameters"] if one["in"] == "header"}

    def told(path: str, method: str, status: str) -> set[str]:
        return set(DOCUMENT["paths"][path][method]["responses"][status]["headers"]) - {"X-Request-ID"}

    one, all_of_them = "/api/v1/uploads/{id}", "/api/v1/uploads"
    sums = {"Tus-Resumable", "Upload-Length", "Upload-Checksum"}
    assert asked(all_of_them, "post") == sums | {"Upload-Defer-Length", "Upload-Metadata"}
    assert asked(one, "patch") == sums | {"Upload-Offset"}
    assert asked(one, "post") == sums | {"Upload-Offset", "X-HTTP-Method-Override"}
    assert asked(one, "head") == asked(one, "delete") == {"Tus-Resumable"}
    went_on = {"Tus-Resumable", "Upload-Offset", "Upload-Expires"}
    assert told(all_of_them, "post", "201") == went_on | {"Location"}
    assert told(one, "patch", "204") == went_on
    assert told(one, "head", "200") == went_on | {"Upload-Length", "Upload-Defer-Length", "Upload-Metadata"}
    assert {"Tus-Version", "Tus-Extension", "Tus-Max-Size"} <= told(all_of_them, "options", "204")
