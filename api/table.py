"""What a route is: the entry of the table in api/routes, from which paths, checks and OpenAPI are made."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web
from pydantic import BaseModel

from api.access import Access
from schemas.rates import RateClass

BODY_BYTES = 64 * 1024
"""The largest JSON body, where a route says nothing else."""
_OWN = "/api/v1/"
"""The API's own paths begin so."""
_PART_OF = {"watching": "jobs"}
"""Handlers' modules whose routes are listed, and let in, as another's."""
_RECEIVING = ("uploads", "tus", "live")
"""The modules by which bytes come in."""

Answering = Callable[..., Awaitable[BaseModel | web.StreamResponse | None]]


@dataclass(frozen=True, slots=True)
class Route:
    """One address. `takes` is the query of a GET, or the JSON body of any other method; `gives` the JSON answer.

    `media` lists the content types of an answer that is not JSON, `sends` what each event of a stream or frame of a
    websocket holds, `hears` what each frame of a websocket's client holds. `headers` are those of a success that mean
    something beyond what every answer has, `asks` those of a request, `problems` the codes beyond those that every
    route has. `rate` is what its requests count as, where `rate_class` would say something else; `body_bytes` is how
    large a JSON body may be. `writes` marks a GET that changes something, as a websocket's may.
    """

    method: str
    path: str
    handler: Answering
    summary: str
    access: Access = Access.CALLER
    takes: type[BaseModel] | None = None
    gives: type[BaseModel] | None = None
    status: int = 200
    problems: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    sends: type[BaseModel] | None = None
    hears: type[BaseModel] | None = None
    headers: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    form: bool = False
    form_fields: tuple[str, ...] = ()
    head: bool = False
    alias_of: str | None = None
    rate: RateClass | None = None
    writes: bool = False
    body_bytes: int = BODY_BYTES

    @property
    def reads_query(self) -> bool:
        """Whether what the route takes stands in the query."""
        return self.method in ("GET", "DELETE")

    @property
    def rate_class(self) -> RateClass:
        """What a request counts as: by `rate`, else by what the route asks and takes."""
        if self.rate is not None:
            return self.rate
        if self.access is Access.WATCHER:
            return RateClass.WATCH
        if self.access is Access.OPEN and self.method != "GET":
            return RateClass.SIGN_IN
        if self.form or self.noun in _RECEIVING:
            return RateClass.UPLOAD
        return RateClass.READ if self.method == "GET" else RateClass.WRITE

    @property
    def is_media(self) -> bool:
        """Whether a page may want to show or play the answer."""
        return any(media.startswith(("video/", "audio/", "image/")) for media in self.media)

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods to register."""
        return (self.method, "HEAD") if self.head else (self.method,)

    @property
    def noun(self) -> str:
        """The handler's module, or which one it is a part of: the group that the route is listed under."""
        module = self.handler.__module__.rsplit(".", 1)[-1]
        return _PART_OF.get(module, module)

    @property
    def scope(self) -> str:
        """What an API key needs for the route: its noun, and whether it reads or writes. Aliases have their own's.

        Everything of administrators has one noun, so that no key is one of theirs by the way; and whatever way bytes
        come in has that of uploads.
        """
        if self.access is Access.ADMIN:
            return self._scope_of("admin")
        return self._scope_of("uploads" if self.noun in _RECEIVING else self.noun)

    @property
    def former_scopes(self) -> tuple[str, ...]:
        """What the scope was called once: keys that were made then still open the route, and no new one is made so."""
        return (self._scope_of("tus"),) if self.noun == "tus" else ()

    def _scope_of(self, noun: str) -> str:
        reads = self.method in ("GET", "HEAD") and not self.writes
        return f"{noun}:{'read' if reads else 'write'}"

    @property
    def audited(self) -> str | None:
        """As what an act of the route is put on record: deletions, and whatever administrators change.

        At an open route nobody is known to have done it: a handler that finds out who it was notes it itself.
        """
        if self.access is Access.OPEN:
            return None
        if self.method == "DELETE" or (self.access is Access.ADMIN and self.method != "GET"):
            return f"{self.noun}.{self._action}"
        return None

    @property
    def _action(self) -> str:
        return str(getattr(self.handler, "__name__", "handler"))

    @property
    def operation_id(self) -> str:
        """A unique name of the operation."""
        within = "_in_project" if "{project_id}" in self.path and self.noun != "projects" else ""
        return f"{self.noun}_{self._action}{within}" + (
            "_alias" if self.alias_of and not self.path.startswith(_OWN) else ""
        )
