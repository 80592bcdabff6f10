"""How every failure becomes an answer: application/problem+json with a code of schemas/problems, and nothing leaked."""

import asyncio

import orjson
import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from api.keys import REQUEST_ID
from schemas.failures import Retryable
from schemas.problems import FieldProblem, Problem
from stores.errors import OnHold, StoreUnavailable

log = structlog.get_logger(__name__)

CONTENT_TYPE = "application/problem+json"
_MOST_FIELDS = 100
"""So many fields are named: of a small body with fifteen hundred that are wrong the answer took 13 ms."""
_OF_STATUS = {
    404: Problem("not_found", "There is nothing at this address."),
    413: Problem("too_large", "The body is larger than this address takes."),
}


@web.middleware
async def explained(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers every exception of what is inside it."""
    try:
        return await handler(request)
    except Problem as problem:
        return answer(request, problem)
    except OnHold as error:
        return answer(request, Problem("on_hold", str(error)))
    except Retryable as error:
        log.warning("a part is away", code=error.code, reason=str(error))
        return answer(request, _unavailable(error))
    except web.HTTPException as error:
        return _of_aiohttp(request, error)
    except (ConnectionError, asyncio.CancelledError):
        raise
    except Exception:  # the edge of a request: logged, and answered without details
        log.exception("unexpected")
        return answer(request, Problem("internal_error", "The request's id finds the cause in the log."))


def answer(request: web.BaseRequest, problem: Problem) -> web.Response:
    """The response that tells the problem."""
    body = problem.body() | {"instance": request.get(REQUEST_ID)}
    headers = {hdrs.CACHE_CONTROL: "no-store"}
    if problem.retry_after is not None:
        headers[hdrs.RETRY_AFTER] = str(problem.retry_after)
    if problem.status == 401:
        headers[hdrs.WWW_AUTHENTICATE] = 'Bearer realm="tidemark"'
    return web.Response(status=problem.status, body=orjson.dumps(body), content_type=CONTENT_TYPE, headers=headers)


def wrong_fields(error: ValidationError) -> Problem:
    """The problem that names the fields which pydantic refused, the first _MOST_FIELDS of them."""
    entries = error.errors(include_url=False, include_context=False, include_input=False)
    fields = tuple(FieldProblem(field=_path(entry), message=_message(entry)) for entry in entries[:_MOST_FIELDS])
    names = ", ".join(dict.fromkeys(field.field for field in fields))
    others = f" and {len(entries) - len(fields)} more" if len(entries) > len(fields) else ""
    return Problem("invalid_field", f"Wrong or missing: {names}{others}.", fields=fields)


def wrong_field(name: str, message: str) -> Problem:
    """The problem that names one field."""
    return Problem("invalid_field", f"Wrong or missing: {name}.", fields=(FieldProblem(field=name, message=message),))


def _path(entry: ErrorDetails) -> str:
    return ".".join(str(part) for part in entry["loc"]) or "body"


def _message(entry: ErrorDetails) -> str:
    return entry["msg"].removeprefix("Value error, ")


def _unavailable(error: Retryable) -> Problem:
    what = f"The {error.store}" if isinstance(error, StoreUnavailable) else "A part of the service"
    wait = 2 if error.retry_after is None else max(1, round(error.retry_after))
    return Problem("unavailable", f"{what} does not answer at this moment.", retry_after=wait)


def _of_aiohttp(request: web.Request, error: web.HTTPException) -> web.StreamResponse:
    if error.status < 400:
        raise error
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        response = answer(request, Problem("method_not_allowed", f"Available here: {allowed}."))
        response.headers[hdrs.ALLOW] = allowed
        return response
    return answer(request, _OF_STATUS.get(error.status, Problem("invalid_request", error.reason)))
