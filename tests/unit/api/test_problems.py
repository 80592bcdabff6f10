"""Every failure as problem+json, with nothing leaked."""

import json

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from pydantic import TypeAdapter, ValidationError

from api.access import from_own_page
from api.handlers.watching import last_seen
from api.keys import REQUEST_ID
from api.problems import CONTENT_TYPE, explained, wrong_fields
from schemas.failures import Retryable
from schemas.problems import CODES, Problem
from stores.errors import StoreUnavailable


async def met(error: Exception) -> tuple[web.StreamResponse, dict[str, object]]:
    async def fail(_: web.Request) -> web.StreamResponse:
        raise error

    request = make_mocked_request("GET", "/")
    request[REQUEST_ID] = "request-1"
    response = await explained(request, fail)
    assert isinstance(response, web.Response)
    assert isinstance(response.body, bytes)
    assert response.content_type == CONTENT_TYPE
    return response, json.loads(response.body)


@pytest.mark.parametrize("code", [code for code, entry in CODES.items() if entry.status])
async def test_a_problem_is_told_with_its_code(code: str) -> None:
    response, body = await met(Problem(code, "Because.", retry_after=7))
    assert response.status == CODES[code].status == body["status"]
    assert (body["code"], body["detail"], body["instance"]) == (code, "Because.", "request-1")
    assert body["title"] == CODES[code].title
    assert response.headers["Retry-After"] == "7"
    assert ("WWW-Authenticate" in response.headers) == (response.status == 401)


@pytest.mark.parametrize(
    "error", [StoreUnavailable("document store", "10.0.0.7:27017 refused"), Retryable("x", "10.0.0.7", 0.2)]
)
async def test_a_store_that_is_away_means_later_and_tells_no_addresses(error: Exception) -> None:
    response, body = await met(error)
    assert (response.status, body["code"]) == (503, "unavailable")
    assert int(response.headers["Retry-After"]) >= 1
    assert "10.0.0.7" not in json.dumps(body)


def test_of_many_wrong_fields_some_are_named() -> None:
    def told(count: int) -> Problem:
        try:
            TypeAdapter(list[int]).validate_python(["x"] * count)
        except ValidationError as error:
            return wrong_fields(error)
        raise AssertionError("nothing was wrong")

    assert told(2).detail == "Wrong or missing: 0, 1."
    assert len(told(1500).fields) == 100
    assert told(1500).detail.endswith(" and 1400 more.")


async def test_an_unexpected_error_says_nothing_of_itself() -> None:
    response, body = await met(RuntimeError("the secret is 42"))
    assert (response.status, body["code"]) == (500, "internal_error")
    assert "42" not in json.dumps(body)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (web.HTTPNotFound(), 404, "not_found"),
        (web.HTTPMethodNotAllowed("PUT", ["GET", "POST"]), 405, "method_not_allowed"),
        (web.HTTPRequestEntityTooLarge(10, 20), 413, "too_large"),
        (web.HTTPBadRequest(), 400, "invalid_request"),
    ],
)
async def test_what_aiohttp_raises_is_told_the_same_way(error: Exception, status: int, code: str) -> None:
    response, body = await met(error)
    assert (response.status, body["code"]) == (status, code)


async def test_a_wrong_method_is_told_the_right_ones() -> None:
    response, _ = await met(web.HTTPMethodNotAllowed("PUT", ["POST", "GET"]))
    assert response.headers["Allow"] == "GET, POST"


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({"Origin": "https://tidemark.example"}, True),
        ({"Origin": "chrome-extension://abc"}, True),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "https://tidemark.example.evil.org"}, False),
        ({"Origin": "https://[", "Sec-Fetch-Site": "same-origin"}, False),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({}, False),
    ],
)
def test_a_cookie_counts_only_on_our_own_pages(headers: dict[str, str], own: bool) -> None:
    assert from_own_page(headers, "tidemark.example", ("chrome-extension://abc",)) is own


@pytest.mark.parametrize(
    ("header", "version", "seen"),
    [(None, 5, 0), ("5", 5, 5), ("3", 5, 3), ("6", 5, 0), ("x", 5, 0), ("", 5, 0), ("9" * 5000, 5, 0), ("-1", 5, 0)],
)
def test_a_last_event_id_counts_only_if_it_was_ours(header: str | None, version: int, seen: int) -> None:
    assert last_seen(header, version) == seen
