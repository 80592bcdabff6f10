"""Bodies of requests and answers: their schemas, which the models give, and an example of each."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from api.examples import EXAMPLES
from api.table import Route
from schemas.requests import Request
from schemas.responses import ProblemBody

REF = "#/components/schemas/{model}"
EVENTS = "text/event-stream"
_JSON = "application/json"
_STRING = {"type": "string"}
_FILE = {
    "type": "string",
    "format": "binary",
    "contentMediaType": "application/octet-stream",
    "description": "The file.",
}


def _form(route: Route) -> dict[str, Any]:
    properties = {"file": _FILE, **dict.fromkeys(route.form_fields, _STRING)}
    return {"type": "object", "required": ["file"], "properties": properties}


class Plainly(GenerateJsonSchema):
    """Schemas without a title for each field: it would only be the field's name once more."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - as pydantic calls it
        """Never."""
        return False


class Bodies:
    """The models of all routes as components, and the content of requests and answers that refers to them."""

    def __init__(self, routes: Iterable[Route]) -> None:
        models = sorted({model for route in routes for model in _models(route)}, key=lambda model: model.__name__)
        asked = [(model, _mode(model)) for model in models]
        refs, made = models_json_schema(asked, ref_template=REF, schema_generator=Plainly)
        self._refs = {model: refs[model, _mode(model)] for model in models}
        self.schemas: dict[str, Any] = made.get("$defs", {})
        self.examples = {
            model.__name__: {"summary": _summary(model), "value": EXAMPLES[model]}
            for model in models
            if model in EXAMPLES
        }

    def request(self, route: Route) -> dict[str, Any] | None:
        """What the route's request must carry; None for one without a body."""
        if route.form:
            return {"required": True, "content": {"multipart/form-data": {"schema": _form(route)}}}
        if route.takes is None or route.reads_query:
            return None
        most = f"At most {route.body_bytes // 1024} KiB."
        return {"required": True, "description": most, "content": {_JSON: self.of(route.takes)}}

    def answer(self, route: Route) -> dict[str, Any]:
        """The content of the route's answer, by its type; empty where there is none."""
        content = {_JSON: self.of(route.gives)} if route.gives else {}
        return content | {media: self._raw(route, media) for media in route.media}

    def of(self, model: type[BaseModel]) -> dict[str, Any]:
        """JSON of that model."""
        example = {"examples": {model.__name__: {"$ref": f"#/components/examples/{model.__name__}"}}}
        return {"schema": self.schema(model), **(example if model in EXAMPLES else {})}

    def schema(self, model: type[BaseModel]) -> dict[str, Any]:
        """A reference to the model's schema."""
        return dict(self._refs[model])

    def _raw(self, route: Route, media: str) -> dict[str, Any]:
        if media == EVENTS and route.sends:
            return {"schema": self._event(route.sends)}
        if media == _JSON:
            return {"schema": {"type": "object"}}
        return {"schema": _STRING} if media.startswith("text/") else {}

    def _event(self, model: type[BaseModel]) -> dict[str, Any]:
        """One of a stream's events (HTML, section 9.2), its data being JSON of that model."""
        data = {"type": "string", "contentMediaType": _JSON, "contentSchema": self.schema(model)}
        return {
            "type": "object",
            "description": "One event of the stream.",
            "required": ["id", "data"],
            "properties": {"id": {"type": "string", "description": "For Last-Event-ID."}, "data": data},
        }


def _models(route: Route) -> list[type[BaseModel]]:
    taken = None if route.reads_query else route.takes
    models = (taken, route.gives, route.sends, route.hears)
    return [ProblemBody, *(model for model in models if model is not None)]


def _mode(model: type[BaseModel]) -> Any:
    return "validation" if issubclass(model, Request) else "serialization"


def _summary(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().split("\n", 1)[0]
