"""From a route of the table to what aiohttp calls: admit the caller, read what is taken, answer what is given."""

import asyncio
from typing import Any, get_origin

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ValidationError

from api.access import admit
from api.problems import wrong_fields
from api.table import Route
from schemas.problems import Problem

BODY_BYTES = 64 * 1024
"""The largest JSON body."""
_BODY_SECONDS = 15.0


def bind(app: web.Application, routes: tuple[Route, ...]) -> None:
    """Registers every route, with and without a slash at its end; a GET answers HEAD too where that makes sense."""
    for route in routes:
        for path in (route.path, f"{route.path}/"):
            resource = app.router.add_resource(path)
            for method in route.methods:
                resource.add_route(method, handler(route))


def handler(route: Route) -> Handler:
    """The route's handler as aiohttp wants it."""

    async def handle(request: web.Request) -> web.StreamResponse:
        await admit(request, route.access)
        taken = (await _taken(request, route.takes, route.reads_query),) if route.takes else ()
        given = await route.handler(request, *taken)
        return given if isinstance(given, web.StreamResponse) else answer(given, route.status)

    return handle


def answer(given: BaseModel | None, status: int) -> web.Response:
    """A model as JSON; None as an empty answer."""
    if given is None:
        return web.Response(status=status)
    body = given.model_dump_json().encode()
    return web.Response(
        status=status, body=body, content_type="application/json", headers={"Cache-Control": "no-store"}
    )


async def _taken(request: web.Request, model: type[BaseModel], query: bool) -> BaseModel:
    try:
        if query:
            return model.model_validate(_query(request, model))
        return model.model_validate_json(await _body(request), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            raise Problem("invalid_json", f"The body is not JSON: {first['ctx']['error']}.") from error
        raise wrong_fields(error) from error


def _query(request: web.Request, model: type[BaseModel]) -> dict[str, Any]:
    """Each parameter once, by its first value; one that the model has several of, with all its values."""
    sent, fields = request.query, model.model_fields
    several = {name for name in fields if get_origin(fields[name].annotation) is tuple}
    return {name: sent.getall(name) if name in several else sent[name] for name in sent}


async def _body(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            return await request.read()
    except web.RequestPayloadError as error:
        raise Problem("invalid_request", "The body broke off, or is not encoded as its header says.") from error
    except TimeoutError as error:
        raise Problem("request_timeout", f"The body did not arrive within {_BODY_SECONDS:.0f} s.") from error
