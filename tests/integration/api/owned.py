"""What the walk over all routes needs to know of their parameters: somebody's thing for each.

A new kind of thing: a method of Things that makes one, by its name, and a line in OWNED for each place in a path where
its id stands, by the part of the path before it and the parameter's name. A parameter that is no id of a thing goes
into PLAIN. A field of a body that names a thing goes into NAMED.
"""

from __future__ import annotations

import io
import json
import re
from typing import Any

import aiohttp

from api import tus
from api.examples import EXAMPLES
from api.table import Route
from schemas.lectures import LectureRequest
from schemas.retention import OperatorRuleNew
from tests.integration.api.people import Person
from tests.media import pdf

OWNED: dict[tuple[str, str], str] = {
    ("recordings", "id"): "recording",
    ("videos", "asset_id"): "recording",
    ("documents", "id"): "document",
    ("jobs", "id"): "job",
    ("stream", "id"): "job",
    ("api-keys", "id"): "api_key",
    ("lectures", "id"): "lecture",
    ("courses", "course_id"): "course",
    ("rules", "id"): "rule",
    ("people", "owner_id"): "person",
    ("uploads", "id"): "upload",
}
"""Where an id of a thing stands, and what it is: to everybody but its owner it is not there."""

PLAIN: dict[tuple[str, str], str] = {
    ("projects", "project_id"): "website",
    ("people", "owner_id"): "somebody",
    ("renditions", "kind"): "original",
    ("pages", "number"): "1",
    ("thumbnails", "number"): "0",
    ("dead-letters", "number"): "0",
    ("stages", "stage"): "render",
    ("action-items", "number"): "0",
}
"""Names that mean something else to everybody, or the same to all: no id of anybody's thing."""

NAMED: dict[str, str | None] = {"recording_id": "recording", "project_id": None, "course_id": None}
"""Fields of bodies that name a thing, and which; None: a name that means something else to everybody."""

_ENOUGH = 32 * 1024
_GOING_ON = {tus.RESUMABLE: tus.VERSION, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
_EXAMPLE_ID = "0199e2a4-7c1e-7d32-9a41-5be2f03c11aa"
_PARAMETER = re.compile(r"([^/]+)/{(\w+)}")


class Things:
    """Somebody's things, each made when it is first asked for."""

    def __init__(self, owner: Person, webm: bytes) -> None:
        self.owner = owner
        self.webm = webm[:_ENOUGH]
        self.made: dict[str, str] = {}

    async def id_of(self, kind: str) -> str:
        if kind not in self.made:
            self.made[kind] = await getattr(self, kind)()
        return self.made[kind]

    async def recording(self) -> str:
        response = await self.owner.send_video(io.BytesIO(self.webm))
        assert response.status == 202, await response.text()
        accepted = await response.json()
        self.made["job"] = accepted["job_id"]
        return str(accepted["id"])

    async def document(self) -> str:
        form = aiohttp.FormData()
        form.add_field("file", pdf.document(["Hers."]), filename="hers.pdf", content_type="application/pdf")
        response = await self.owner.call("POST", "/api/v1/documents/upload", data=form)
        assert response.status == 202, await response.text()
        return str((await response.json())["id"])

    async def upload(self) -> str:
        headers = {tus.RESUMABLE: tus.VERSION, "Upload-Length": "5"}
        response = await self.owner.call("POST", "/api/v1/uploads", headers=headers)
        assert response.status == 201, await response.text()
        return response.headers["Location"].rsplit("/", 1)[-1]

    async def job(self) -> str:
        await self.id_of("recording")
        return self.made["job"]

    async def api_key(self) -> str:
        return await self._made("/api/v1/api-keys", {"name": "hers", "scopes": ["recordings:read"]})

    async def course(self) -> str:
        return await self._made("/api/v1/courses", {"title": "Biology"})

    async def rule(self) -> str:
        return await self._made("/api/v1/retention/rules", EXAMPLES[OperatorRuleNew])

    async def person(self) -> str:
        return str(self.owner.user["id"])

    async def lecture(self) -> str:
        body = {**EXAMPLES[LectureRequest], "stream_url": "https://media.example/hers.mp4"}
        return await self._made("/api/v1/lectures/download", body)

    async def _made(self, path: str, body: dict[str, Any]) -> str:
        """The id of a thing that is made by posting it."""
        response = await self.owner.call("POST", path, json=body)
        assert response.status in (201, 202), await response.text()
        return str((await response.json())["id"])

    async def path(self, route: Route) -> str:
        """The route's path with her things in it."""
        path = route.path
        for segment, name in _PARAMETER.findall(route.path):
            path = path.replace(f"{{{name}}}", await self._value(route, segment, name), 1)
        return path

    async def _value(self, route: Route, segment: str, name: str) -> str:
        place = (segment, name)
        if place in PLAIN:
            return PLAIN[place]
        assert place in OWNED, f"{route.path} has a parameter that is not known: add {place} to {__name__}"
        return await self.id_of(OWNED[place])

    async def request(self, route: Route) -> dict[str, Any]:
        """What the route wants besides its path, naming her things."""
        if route.noun == "tus":
            other = {"X-HTTP-Method-Override": "PATCH"} if route.method == "POST" and "{id}" in route.path else {}
            return {"headers": {**_GOING_ON, **other}, "data": b""}
        if route.form:
            form = aiohttp.FormData()
            form.add_field("file", io.BytesIO(self.webm), filename="talk.webm", content_type="video/webm")
            return {"data": form}
        if route.takes is None or route.reads_query:
            return {"params": _query(route)}
        assert route.takes in EXAMPLES, f"{route.path} takes {route.takes.__name__}: it needs an example"
        own = json.loads(json.dumps(EXAMPLES[route.takes]).replace(_EXAMPLE_ID, await self.id_of("recording")))
        return {"json": await self._naming_hers(route, own)}

    async def _naming_hers(self, route: Route, body: Any) -> Any:
        if isinstance(body, list):
            return [await self._naming_hers(route, item) for item in body]
        if not isinstance(body, dict):
            return body
        return {name: await self._field(route, name, value) for name, value in body.items()}

    async def _field(self, route: Route, name: str, value: Any) -> Any:
        if not name.endswith("_id"):
            return await self._naming_hers(route, value)
        assert name in NAMED, f"{route.path} takes «{name}», which is not known: add it to NAMED of {__name__}"
        kind = NAMED[name]
        return await self.id_of(kind) if kind else value


def _query(route: Route) -> dict[str, Any]:
    """What a query must have: the example of each required parameter."""
    fields = route.takes.model_fields if route.takes else {}
    wanted = {name: field.examples for name, field in fields.items() if field.is_required()}
    assert all(wanted.values()), f"{route.path}: each required parameter needs an example in its Field: {wanted}"
    return {name: str(examples[0]) for name, examples in wanted.items() if examples}


def names_a_thing(route: Route) -> bool:
    """Whether the path or the body names a thing that belongs to somebody."""
    in_path = any(place in OWNED for place in _PARAMETER.findall(route.path))
    return in_path or any(f'"{name}"' in json.dumps(EXAMPLES.get(route.takes)) for name, kind in NAMED.items() if kind)
