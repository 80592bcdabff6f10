"""From a route of the table to what aiohttp calls: admit the caller, read what is taken, answer what is given."""

import asyncio
import re
from contextlib import AbstractContextManager, nullcontext
from typing import Any, get_origin

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ValidationError

from api.access import Access, admit
from api.addresses import client_network
from api.audit import note
from api.framing import go_on, later
from api.keys import CALLER, MEDIA, RATE_LIMITS, RATE_STANDING, WATCHERS
from api.problems import wrong_fields
from api.table import Route
from schemas.problems import Problem
from schemas.rates import RateClass

_BODY_SECONDS = 15.0


def bind(app: web.Application, routes: tuple[Route, ...]) -> None:
    """Registers every route, with and without a slash at its end; a GET answers HEAD too where that makes sense."""
    paths = [route.path for route in routes]
    for route in routes:
        pattern = _only_itself(route.path, paths)
        for path in (pattern, f"{pattern}/"):
            resource = app.router.add_resource(path)
            for method in route.methods:
                resource.add_route(method, handler(route), expect_handler=later)


def _only_itself(path: str, paths: list[str]) -> str:
    """The path, where nothing that is an address of its own is taken for a value of its last placeholder.

    Otherwise the methods of both would be allowed at that address.
    """
    start, _, end = path.rpartition("/")
    if not end.startswith("{"):
        return path
    names = {other.removeprefix(f"{start}/") for other in paths if other.startswith(f"{start}/")} - {end}
    fixed = sorted(re.escape(name) for name in names if "/" not in name and "{" not in name)
    return f"{start}/{end[:-1]}:(?!(?:{'|'.join(fixed)})/?$)[^{{}}/]+}}" if fixed else path


def handler(route: Route) -> Handler:
    """The route's handler as aiohttp wants it."""

    async def handle(request: web.Request) -> web.StreamResponse:
        request[MEDIA] = route.is_media
        await _let_in(request, route)
        await go_on(request)
        taken = (await _taken(request, route, route.takes),) if route.takes else ()
        with _place(request, route):
            given = await route.handler(request, *taken)
        if route.audited:
            await note(request, route.audited, request.match_info)
        return given if isinstance(given, web.StreamResponse) else answer(given, route.status)

    return handle


async def _let_in(request: web.Request, route: Route) -> None:
    """Admits the caller, and counts the request as the caller's; one that is not admitted as its address's."""
    try:
        await admit(request, route.access, route.scope, *route.former_scopes)
    except Problem:
        await count(request, route.rate_class)
        raise
    await count(request, route.rate_class)


def _place(request: web.Request, route: Route) -> AbstractContextManager[None]:
    return request.app[WATCHERS].place(request[CALLER]) if route.access is Access.WATCHER else nullcontext()


async def count(request: web.Request, rate_class: RateClass, cost: int = 1) -> None:
    """Counts something that is asked for, as so many requests of its caller or address. Raises Problem rate_limited."""
    if rate_class is RateClass.FREE:
        return
    standing = await request.app[RATE_LIMITS].take(rate_class, request.get(CALLER) or client_network(request), cost)
    if standing is None:
        return
    request[RATE_STANDING] = standing
    if not standing.let_in:
        told = f"At most {standing.most} requests of the class «{standing.kind}» are taken in {standing.period} s."
        raise Problem("rate_limited", told, retry_after=standing.reset)


def answer(given: BaseModel | None, status: int) -> web.Response:
    """A model as JSON; None as an empty answer."""
    if given is None:
        return web.Response(status=status)
    body = given.model_dump_json().encode()
    return web.Response(
        status=status, body=body, content_type="application/json", headers={"Cache-Control": "no-store"}
    )


async def _taken(request: web.Request, route: Route, model: type[BaseModel]) -> BaseModel:
    try:
        if route.reads_query:
            return model.model_validate(_query(request, model))
        return model.model_validate_json(await _body(request, route.body_bytes), strict=True)
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


async def _body(request: web.Request, most: int) -> bytes:
    try:
        here = request.content.is_eof()  # as most bodies are, which come with their heads: no clock is set for them
        async with asyncio.timeout(None if here else _BODY_SECONDS):
            limited = request if most == request.client_max_size else request.clone(client_max_size=most)
            return await limited.read()
    except web.RequestPayloadError as error:
        raise Problem("invalid_request", "The body broke off, or is not encoded as its header says.") from error
    except TimeoutError as error:
        raise Problem("request_timeout", f"The body did not arrive within {_BODY_SECONDS:.0f} s.") from error
