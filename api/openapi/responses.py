"""What a route answers: its success in every form, and its problems as components that operations share."""

from typing import Any

from aiohttp import hdrs

from api import tus
from api.openapi.bodies import EVENTS, Bodies
from api.openapi.codes import problem_codes
from api.openapi.headers import DOWNLOAD, of_problem, references
from api.table import Route
from schemas.problems import CODES, TYPE_PREFIX
from schemas.responses import ProblemBody

_PROBLEM = "application/problem+json"
_WORDS = {101: "The websocket is open", 201: "Created", 202: "Accepted", 204: "Done"}


class Responses:
    """The answers of all routes. `problems` and `examples` are the components that the answers refer to."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self.problems: dict[str, Any] = {}
        self.examples: dict[str, Any] = {}

    def of(self, route: Route) -> dict[str, Any]:
        """The route's answers by status."""
        return self._successes(route) | self._problems(route)

    def _successes(self, route: Route) -> dict[str, Any]:
        content, headers = self._bodies.answer(route), route.headers
        words = _WORDS.get(route.status, "Done")
        if "range_not_satisfiable" in route.problems:
            headers += DOWNLOAD
            part = _answer("A part of it", content, (*headers, hdrs.CONTENT_RANGE))
            return {
                "200": _answer("All of it", content, headers),
                "206": part,
                "304": _answer("Unchanged", {}, headers),
            }
        successes = {str(route.status): _answer(words, content, headers)}
        if tus.METHOD in route.asks:
            successes["200"] = _answer("How far the upload has come", {}, headers)
        if EVENTS in route.media:
            successes["204"] = _answer("The job has ended, and the client has seen its end", {}, ())
        if route.path == "/health/ready":
            successes["503"] = _answer("A part is away", content, (hdrs.RETRY_AFTER,))
        if route.status == 101 and route.sends:
            successes["101"] |= {"x-frames": self._bodies.schema(route.sends)}
        if route.hears:
            successes["101"] |= {"x-client-frames": self._bodies.schema(route.hears)}
        return successes

    def _problems(self, route: Route) -> dict[str, Any]:
        by_status: dict[int, list[str]] = {}
        for code in problem_codes(route):
            by_status.setdefault(CODES[code].status or 500, []).append(code)
        return {str(status): self._shared(status, sorted(codes)) for status, codes in sorted(by_status.items())}

    def _shared(self, status: int, codes: list[str]) -> dict[str, str]:
        """A reference to the answer with one of these codes."""
        name = ".".join(codes)
        if name not in self.problems:
            self.problems[name] = self._problem(status, codes)
        return {"$ref": f"#/components/responses/{name}"}

    def _problem(self, status: int, codes: list[str]) -> dict[str, Any]:
        self.examples |= {code: _example(code) for code in codes}
        examples = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
        return {
            "description": "; ".join(CODES[code].title for code in codes),
            "headers": of_problem(status),
            "content": {_PROBLEM: {"schema": self._bodies.schema(ProblemBody), "examples": examples}},
            "x-codes": codes,
        }


def _answer(words: str, content: dict[str, Any], headers: tuple[str, ...]) -> dict[str, Any]:
    answer = {"description": words, "headers": references(headers)}
    return answer | ({"content": content} if content else {})


def _example(code: str) -> dict[str, Any]:
    entry = CODES[code]
    value = {
        "type": TYPE_PREFIX + code,
        "title": entry.title,
        "status": entry.status,
        "code": code,
        "detail": f"{entry.title}.",
    }
    return {"summary": entry.title, "value": value}
