"""What schemathesis loads: requests are about something that is there, most of the time; nothing of that is deleted.

Which value a request gets follows from how many there were, so that every run is the same.
"""

import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis import Case, HookContext
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.transport import Response
from schemathesis.generation.meta import CaseMetadata
from schemathesis.transport.serialization import Binary

from tests.integration.description.things import Known, Things

_THINGS = Things.from_json(Path(os.environ["THINGS"]).read_text())
_LEFT_ALONE = 6
"""Of so many requests of an operation one is about what is not there."""
_UNKNOWN = "schemathesis-unknown"
"""In the name of a header that was made up."""
_METHOD = "X-HTTP-Method-Override"
_LENGTH = "Content-Length"
"""One that is no number makes a request that is not HTTP, and that the server refuses before it has a route."""
_asked: Counter[str] = Counter()
_KEPT = {value for known in _THINGS.kept for value in known.values}


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Names something that is there where anything valid was made up; links from answer to answer stay as they are."""
    deletes, meta = case.method.upper() == "DELETE", case.meta
    if not case.headers.get(_LENGTH, "0").isdecimal():
        del case.headers[_LENGTH]
    _asked[case.operation.label] += 1
    unknown = _asked[case.operation.label] % _LEFT_ALONE == 0
    if meta is not None and meta.phase.name.value != "stateful":
        for known in _THINGS.spare if deletes else _THINGS.kept:
            if known.within in case.operation.path and not (unknown and known.location == "path"):
                _name(case, meta, known)
    if deletes:
        _spare_what_is_kept(case)


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case, response: Response) -> bool:
    """A form in which a field was named anew is taken for a wrong one, as its file cannot be held against a schema.

    A header that no route knows makes no request wrong, nor does one of PATCH where another method is meant.
    """
    unread = any(_UNKNOWN in name.lower() for name in case.headers) or case.headers.get(_METHOD) in ("HEAD", "DELETE")
    if isinstance(failure, AcceptedNegativeData) and unread:
        return False
    return not (case.media_type == "multipart/form-data" and isinstance(failure, AcceptedNegativeData))


def _spare_what_is_kept(case: Case) -> None:
    """Sends a DELETE of something that is to stay to what is not there. What is deleted is what the path names last."""
    names = re.findall(r"{(\w+)}", case.operation.path)
    if names and case.path_parameters.get(names[-1]) in _KEPT:
        case.path_parameters[names[-1]] = "gone"


def _name(case: Case, meta: CaseMetadata, known: Known) -> None:
    place = meta.components.get(ParameterLocation(known.location))
    fields = _fields(case, known)
    whole = known.parameter != "body.file" or meta.generation.mode.is_positive
    negative = place is not None and place.mode.is_negative  # of what is an example nothing is said
    if negative or not whole or known.names[-1] not in fields:
        return
    value = known.values[_asked[case.operation.label] % len(known.values)]
    fields[known.names[-1]] = Binary(Path(value).read_bytes()) if known.parameter == "body.file" else value


def _fields(case: Case, known: Known) -> dict[str, Any]:
    """What holds the parameter: the path's parameters, or an object in the body; empty where there is none such."""
    found: Any = case.path_parameters if known.location == "path" else case.body
    for name in known.names[:-1]:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}
