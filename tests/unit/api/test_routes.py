"""The table of routes says what is true: every handler is in it, with what it takes and gives, and so does OpenAPI."""

import inspect
import json
import pkgutil
import re
import typing
from importlib import import_module
from types import UnionType
from typing import Any

import pytest
from aiohttp import web
from pydantic import BaseModel

import api.handlers
from api.access import Access
from api.aliases import ALIASES
from api.binding import bind
from api.examples import EXAMPLES
from api.handlers import sessions
from api.openapi import describe, problem_codes
from api.routes import ROUTES
from api.scopes import scopes_of
from api.table import Route
from schemas.problems import CODES

DOCUMENT: dict[str, Any] = json.loads(describe(ROUTES))
BY_NAME = pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")


def operation(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][route.path][route.method.lower()]
    return found


def resolved(found: dict[str, Any]) -> Any:
    """What a reference stands for."""
    target: Any = DOCUMENT
    for name in found.get("$ref", "#").split("/")[1:]:
        target = target[name]
    return target if "$ref" in found else found


def handlers() -> set[Any]:
    modules = [import_module(f"api.handlers.{found.name}") for found in pkgutil.iter_modules(api.handlers.__path__)]
    return {
        function
        for module in modules
        for _, function in inspect.getmembers(module, inspect.iscoroutinefunction)
        if function.__module__ == module.__name__ and not function.__name__.startswith("_")
    }


def test_every_handler_is_in_the_table() -> None:
    assert handlers() - {route.handler for route in ROUTES} == set()


def test_every_registered_route_is_described() -> None:
    app = web.Application()
    bind(app, ROUTES)
    registered = {
        (route.method, route.resource.canonical.rstrip("/")) for route in app.router.routes() if route.resource
    }
    described = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert described <= registered
    assert {entry for entry in registered - described if entry[0] != "HEAD"} == set()


def test_what_is_open_to_everybody_is_named_here() -> None:
    """A route that is open by mistake is found; one that is meant to be open is added."""
    service = {"/health", "/health/live", "/health/ready", "/info", "/metrics", "/openapi.json", "/docs", "/redoc"}
    before_signing_in = {
        f"/api/v1/auth/{name}" for name in ("register", "token", "token/refresh", "session", "session/refresh")
    }
    earlier = {"/api/token", "/api/token/refresh"}
    opened = {route.path for route in ROUTES if route.access is Access.OPEN}
    after_leaving = {"/api/v1/erasures"}
    assert opened == service | before_signing_in | earlier | after_leaving | {"/docs/assets/{name}", "/api/v1/uploads"}


def test_keys_need_a_scope_of_noun_and_verb() -> None:
    scopes = scopes_of(ROUTES)
    assert {"recordings:read", "recordings:write", "jobs:read", "uploads:write"} <= set(scopes.everybody)
    assert {route.scope for route in ROUTES if route.method == "HEAD"} == {"uploads:read"}
    assert set(scopes.admins) - set(scopes.everybody) == {"admin:read", "admin:write"}
    assert not [scope for scope in scopes.admins if scope.startswith("tus")]
    kept = {route.noun for route in ROUTES if route.access is Access.PERSON}
    assert {"account", "api_keys", "sessions"} <= kept
    assert not [scope for scope in scopes.admins if scope.partition(":")[0] in ("api_keys", "sessions")]


def test_only_tus_opens_to_keys_of_its_former_name() -> None:
    named = {(route.scope, *route.former_scopes) for route in ROUTES if route.former_scopes}
    assert named == {("uploads:read", "tus:read"), ("uploads:write", "tus:write")}
    assert {route.noun for route in ROUTES if route.former_scopes} == {"tus"}


def test_deletions_and_what_administrators_change_are_on_record() -> None:
    kept = {route.audited for route in ROUTES}
    assert {"recordings.delete", "projects.clear", "api_keys.revoke", "admin.replay", "admin.resume"} <= kept
    assert {f"retention.{act}_{what}" for act in ("hold", "release") for what in ("recording", "course")} <= kept
    assert {f"retention.{act}_everybodys_rule" for act in ("add", "remove")} | {"retention.remove_rule"} <= kept
    unkept = [route for route in ROUTES if route.method == "DELETE" and route.audited is None]
    assert [route.handler for route in unkept] == [sessions.sign_out]  # it finds out who it was, and notes it itself


def test_a_slash_at_the_end_never_matters() -> None:
    app = web.Application()
    bind(app, ROUTES)
    paths = {resource.canonical for resource in app.router.resources()}
    assert all({route.path, f"{route.path}/"} <= paths for route in ROUTES)


def test_operations_have_names_of_their_own() -> None:
    names = [route.operation_id for route in ROUTES]
    assert len(names) == len(set(names))


@BY_NAME
def test_a_handler_takes_what_the_table_says(route: Route) -> None:
    hints = typing.get_type_hints(route.handler)
    taken = [hint for name, hint in hints.items() if name != "return" and hint is not web.Request]
    assert taken == ([route.takes] if route.takes else [])


@BY_NAME
def test_a_handler_gives_what_the_table_says(route: Route) -> None:
    returned = typing.get_type_hints(route.handler)["return"]
    kinds = returned.__args__ if isinstance(returned, UnionType) else (returned,)
    models = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
    assert models in ([], [route.gives])
    assert models or route.gives is None or web.Response in kinds


@BY_NAME
def test_the_description_of_a_route_is_whole(route: Route) -> None:
    described = operation(route)
    assert described["summary"]
    assert described["description"]
    named = {parameter["name"] for parameter in described["parameters"] if parameter["in"] == "path"}
    assert named == set(re.findall(r"{(\w+)}", route.path))
    assert str(route.status) in described["responses"]
    assert ("requestBody" in described) == (route.form or bool(route.takes and not route.reads_query))
    assert bool(described["security"]) == (route.access is not Access.OPEN)


@BY_NAME
def test_every_problem_of_a_route_has_a_code_and_a_status(route: Route) -> None:
    for code in problem_codes(route):
        status = CODES[code].status
        assert status is not None
        assert code in resolved(operation(route)["responses"][str(status)])["x-codes"]


@pytest.mark.parametrize("model", EXAMPLES, ids=lambda model: model.__name__)
def test_an_example_is_one(model: type[BaseModel]) -> None:
    model.model_validate_json(json.dumps(EXAMPLES[model]))


def test_every_body_has_an_example() -> None:
    bodies = {model for route in ROUTES for model in (route.takes, route.gives) if model}
    queries = {route.takes for route in ROUTES if route.takes and route.reads_query}
    assert bodies - queries == set(EXAMPLES)


def test_a_parameter_that_may_be_repeated_is_described_as_an_array() -> None:
    listed = DOCUMENT["paths"]["/projects/{project_id}/jobs"]["get"]["parameters"]
    (status,) = (parameter for parameter in listed if parameter["name"] == "status")
    assert (status["in"], status["schema"]["type"], status.get("explode", True)) == ("query", "array", True)
    assert "failed" in status["schema"]["items"]["enum"]


@pytest.mark.parametrize(
    ("method", "path", "own"),
    [
        ("POST", "/api/token", "/api/v1/auth/token"),
        ("POST", "/api/token/refresh", "/api/v1/auth/token/refresh"),
        ("GET", "/api/stream/{id}", "/api/v1/jobs/{id}/ws"),
        ("POST", "/projects/{project_id}/videos", "/api/v1/projects/{project_id}/videos"),
        ("POST", "/projects/{project_id}/jobs", "/api/v1/projects/{project_id}/jobs"),
        ("DELETE", "/projects/{project_id}/storage", "/api/v1/projects/{project_id}/storage"),
        ("GET", "/storage/stats", "/api/v1/storage/stats"),
    ],
)
def test_an_earlier_address_leads_to_the_same_handler(method: str, path: str, own: str) -> None:
    routes = {(route.method, route.path): route for route in ROUTES}
    alias = routes[method, path]
    assert alias.alias_of == own
    assert alias.handler is routes[method, own].handler
    assert alias.access is routes[method, own].access


def test_every_other_address_is_ours() -> None:
    service = ("/health", "/info", "/metrics", "/openapi.json", "/docs", "/redoc")
    others = {route.path for route in ROUTES if not route.path.startswith(("/api/v1/", *service))}
    assert others == {route.path for route in ROUTES if route.path.startswith(tuple(old for old, _ in ALIASES))}
