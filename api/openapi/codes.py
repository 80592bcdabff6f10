"""Which codes a route can answer with."""

from api.access import Access
from api.table import Route
from schemas.rates import RateClass


def problem_codes(route: Route) -> tuple[str, ...]:
    """Every code that the route can answer with: its own, and those that follow from what it asks and takes."""
    codes = [*route.problems, "internal_error"]
    if route.access is not Access.OPEN:
        codes += ["not_signed_in", "token_expired", "token_invalid", "key_refused"]
    if route.access is Access.ADMIN:
        codes.append("forbidden")
    if route.access is Access.WATCHER or (route.access is not Access.OPEN and route.method != "GET"):
        codes.append("origin_refused")
    if route.takes or "{project_id}" in route.path:
        codes.append("invalid_field")
    if route.takes and not route.reads_query:
        codes += ["invalid_request", "invalid_json", "too_large", "request_timeout"]
    if route.form:
        codes += ["invalid_request", "request_timeout"]
    if route.status == 101:
        codes.append("invalid_request")
    if route.rate_class is not RateClass.FREE:
        codes.append("rate_limited")
    if route.noun != "service":
        codes.append("unavailable")
    return tuple(dict.fromkeys(codes))
