"""The addresses of the earlier systems: each prefix stands for one of our own, with everything that lies under it."""

from collections.abc import Iterator
from dataclasses import replace

from api.table import Route

ALIASES: tuple[tuple[str, str], ...] = (
    ("/api/token", "/api/v1/auth/token"),
    ("/api/content", "/api/v1/content"),
    ("/api/courses", "/api/v1/courses"),
    ("/api/process", "/api/v1/process"),
    ("/api/stream/{id}", "/api/v1/jobs/{id}/ws"),
    ("/api/lectures", "/api/v1/lectures"),
    ("/api/dev/lectures", "/api/v1/dev/lectures"),
    ("/api/documents", "/api/v1/documents"),
    ("/projects", "/api/v1/projects"),
    ("/storage", "/api/v1/storage"),
)


def with_aliases(routes: tuple[Route, ...]) -> tuple[Route, ...]:
    """The routes, followed by their aliases: the same handlers with the same checks, at another path."""
    return (*routes, *(alias for route in routes for alias in _aliases(route)))


def _aliases(route: Route) -> Iterator[Route]:
    for earlier, own in ALIASES:
        if f"{route.path}/".startswith(f"{own}/"):
            yield replace(route, path=earlier + route.path.removeprefix(own), alias_of=route.path)
