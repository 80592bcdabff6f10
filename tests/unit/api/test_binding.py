"""What a query says, one value a parameter or all of them where there may be several; and what an address means."""

import io
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request
from pydantic import BaseModel

from api.access import Access
from api.binding import bind, handler
from api.routes import ROUTES
from api.table import BODY_BYTES, Route
from schemas.jobs import Status
from schemas.multipart import MOST_PARTS, MultipartComplete, PartSent
from schemas.problems import Problem
from schemas.rates import RateClass
from schemas.requests import JobQuery


async def echo(_: web.Request, query: JobQuery) -> BaseModel:
    """What was taken."""
    return query


async def taken(query: str) -> web.Response:
    route = Route("GET", "/x", echo, "Echo", Access.OPEN, takes=JobQuery, rate=RateClass.FREE)
    response = await handler(route)(make_mocked_request("GET", f"/x{query}"))
    assert isinstance(response, web.Response)
    return response


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("", {}),
        ("?status=failed", {"status": (Status.FAILED,)}),
        ("?status=failed&status=queued", {"status": (Status.FAILED, Status.QUEUED)}),
        ("?limit=5&limit=7", {"limit": 5}),
        ("?unknown=1&unknown=2", {}),
    ],
)
async def test_a_parameter_may_be_repeated_where_several_are_taken(query: str, fields: dict[str, Any]) -> None:
    assert JobQuery.model_validate_json((await taken(query)).body or b"") == JobQuery(**fields)


@pytest.mark.parametrize("query", ["?status=lost", "?status=failed&status=", "?status=failed,queued"])
async def test_a_wrong_value_among_several_is_named(query: str) -> None:
    with pytest.raises(Problem) as caught:
        await taken(query)
    assert {field.field.split(".")[0] for field in caught.value.fields} == {"status"}


def a_list(parts: int, spaces: int = 0) -> io.BytesIO:
    sent = tuple(PartSent(number=number, etag="e" * 128) for number in range(1, parts + 1))
    return io.BytesIO(MultipartComplete(parts=sent).model_dump_json().encode() + b" " * spaces)


async def test_a_route_takes_as_large_a_body_as_it_says() -> None:
    """The list of an upload's parts is longer than what is taken elsewhere."""

    async def count(_: web.Request, body: MultipartComplete) -> web.Response:
        return web.Response(text=str(len(body.parts or ())))

    (complete,) = (route for route in ROUTES if route.operation_id == "uploads_multipart_complete")
    usual = Route("POST", "/usual", count, "", Access.OPEN, takes=MultipartComplete, rate=RateClass.FREE)
    large = replace(usual, path="/large", body_bytes=complete.body_bytes)
    app = web.Application(client_max_size=BODY_BYTES)
    bind(app, (usual, large))
    async with TestClient(TestServer(app)) as client:
        for parts in (5000, MOST_PARTS):
            response = await client.post("/large", data=a_list(parts))
            assert (response.status, await response.text()) == (200, str(parts))
        assert (await client.post("/large", data=a_list(MOST_PARTS, complete.body_bytes))).status == 413
        assert (await client.post("/usual", data=a_list(5000))).status == 413


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/things/some", {"DELETE"}),
        ("DELETE", "/things/new", {"POST"}),
        ("GET", "/things/new/", {"POST"}),
        ("GET", "/things/newer", {"DELETE"}),
    ],
)
async def test_an_address_of_its_own_is_no_id(method: str, path: str, allowed: set[str]) -> None:
    app = web.Application()
    bind(app, (Route("DELETE", "/things/{id}", echo, "One"), Route("POST", "/things/new", echo, "New")))
    match = await app.router.resolve(make_mocked_request(method, path))
    assert isinstance(match.http_exception, web.HTTPMethodNotAllowed)
    assert match.http_exception.allowed_methods == allowed
