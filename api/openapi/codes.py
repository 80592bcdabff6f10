"""Which codes a route can answer with."""

from collections.abc import Iterator

from api.access import Access
from api.table import Route
from schemas.rates import RateClass


def problem_codes(route: Route) -> tuple[str, ...]:
    """Every code that the route can answer with: its own, and those that follow from what it asks and takes."""
    return tuple(dict.fromkeys((*route.problems, *_of_access(route), *_of_reading(route), *_of_the_service(route))))


def _of_access(route: Route) -> Iterator[str]:
    if route.access is Access.OPEN:
        return
    yield from ("not_signed_in", "token_expired", "token_invalid", "key_refused")
    if route.access is Access.WATCHER:
        yield "too_many_watchers"
    if route.access is Access.ADMIN:
        yield "forbidden"
    if route.access is Access.WATCHER or route.method != "GET":
        yield "origin_refused"


def _of_reading(route: Route) -> Iterator[str]:
    if route.takes or "{project_id}" in route.path:
        yield "invalid_field"
    if route.takes and not route.reads_query:
        yield from ("invalid_json", "too_large")
    if route.form or (route.takes and not route.reads_query):
        yield from ("invalid_request", "request_timeout", "unsupported_encoding")
    if route.status == 101:
        yield "invalid_request"


def _of_the_service(route: Route) -> Iterator[str]:
    yield "internal_error"
    if route.rate_class is not RateClass.FREE:
        yield "rate_limited"
    if route.noun != "service":
        yield "unavailable"
