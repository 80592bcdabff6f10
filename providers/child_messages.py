"""What goes back from a child to its parent: JSON, checked against the types of the contract.

The child may have been taken over by the file that it decodes, so nothing that it sends is executed, only validated: a
value is plain JSON, or names one of our own models or dataclasses, which is then built by pydantic.
"""

import json
import sys
from dataclasses import is_dataclass
from typing import Any

from pydantic import BaseModel, TypeAdapter

from schemas.failures import Busy, Permanent, Retryable, StepFailure

_LONGEST_CODE, _LONGEST_DETAIL = 100, 2000
"""Characters of what a child says in words. The rest is cut off: it would end up in documents and logs."""
_LONGEST_WAIT_SECONDS = 86_400

_OURS = ("schemas", "streams", "providers")
_ADAPTERS: dict[type, TypeAdapter[Any]] = {}
_VERBS: dict[str, type[StepFailure]] = {verb.__name__: verb for verb in (Retryable, Permanent, Busy)}


class Unreadable(ValueError):
    """A message that no child of ours would send."""


def encode_value(value: Any) -> bytes:
    """A value that the work yielded."""
    if isinstance(value, BaseModel) or is_dataclass(value):
        kind = type(value)
        body = _adapter(kind).dump_python(value, mode="json")
        return _dump({"yield": body, "type": [kind.__module__, kind.__name__]})
    return _dump({"yield": value})


def encode_failure(failure: StepFailure) -> bytes:
    """A verb that the work raised."""
    wait = getattr(failure, "retry_after", None)
    return _dump({"failed": type(failure).__name__, "code": failure.code, "detail": failure.detail, "wait": wait})


def encode_error(error: Exception) -> bytes:
    """Anything else that the work raised."""
    return _dump({"raised": type(error).__name__, "text": str(error)[:500]})


def encode_end() -> bytes:
    """The work is done."""
    return _dump({"done": True})


def decode(data: bytes) -> tuple[str, Any]:
    """("yield", value), ("failed", StepFailure), ("raised", words) or ("done", None); words cut to a sane length.

    Raises Unreadable.
    """
    try:
        message = json.loads(data)
        match message:
            case {"yield": value, "type": [str(module), str(name)]}:
                return "yield", _adapter(_known(module, name)).validate_python(value)
            case {"yield": value}:
                return "yield", value
            case {"failed": str(verb), "code": str(code), "detail": str(detail), "wait": wait}:
                return "failed", _failure(verb, code[:_LONGEST_CODE], detail[:_LONGEST_DETAIL], wait)
            case {"raised": str(kind), "text": str(text)}:
                return "raised", f"{kind[:_LONGEST_CODE]}: {text[:_LONGEST_DETAIL]}"
            case {"done": True}:
                return "done", None
    except (ValueError, TypeError, RecursionError) as error:
        raise Unreadable(str(error)[:300]) from error
    raise Unreadable("a message of no known form")


def _failure(verb: str, code: str, detail: str, wait: Any) -> StepFailure:
    if isinstance(wait, int | float) and 0 <= wait <= _LONGEST_WAIT_SECONDS and verb in ("Retryable", "Busy"):
        return Retryable(code, detail, wait) if verb == "Retryable" else Busy(code, detail, wait)
    return _VERBS.get(verb, Retryable)(code, detail)


def _known(module: str, name: str) -> type:
    """One of our own models or dataclasses, from the module that defines it, which is loaded already."""
    found = getattr(sys.modules.get(module), name, None) if module.partition(".")[0] in _OURS else None
    if isinstance(found, type) and found.__module__ == module and (issubclass(found, BaseModel) or is_dataclass(found)):
        return found
    raise Unreadable(f"{module}.{name} is none of our messages")


def _adapter(kind: type) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def _dump(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode()
