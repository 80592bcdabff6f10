"""What an API key can be made for: the scopes of all routes that one may open."""

from collections.abc import Iterable

from api.access import Access
from api.proof import Scopes
from api.table import Route

_OPENED = (Access.CALLER, Access.WATCHER, Access.ADMIN)


def scopes_of(routes: Iterable[Route]) -> Scopes:
    """The scopes of the routes: a new route has its own by itself."""
    opened = [route for route in routes if route.access in _OPENED]
    everybody = {route.scope for route in opened if route.access is not Access.ADMIN}
    return Scopes(tuple(sorted(everybody)), tuple(sorted({route.scope for route in opened})))
