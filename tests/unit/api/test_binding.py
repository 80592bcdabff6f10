"""What a query says, one value a parameter or all of them where there may be several; and what an address means."""

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from pydantic import BaseModel

from api.access import Access
from api.binding import bind, handler
from api.table import Route
from schemas.jobs import Status
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
