"""What can be asked of a kind of job by its payload. Read strictly; what is not named here is ignored."""

import json
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.failures import Permanent

Kind = TypeVar("Kind", bound="Options")


class Options(BaseModel):
    """What all options have: each has a default, so an empty payload is one."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class ScenesOptions(Options):
    """Of a scene detection. `threshold`: the score from which a change of picture is a change of scene."""

    threshold: float = Field(default=6.0, ge=0.1, le=100, allow_inf_nan=False)


class Part(StrEnum):
    """What a package can have."""

    TRANSCRIPT = "transcript"
    ANALYSES = "analyses"
    VIDEO = "video"
    AUDIO = "audio"
    POSTER = "poster"
    THUMBNAILS = "thumbnails"
    ORIGINAL = "original"


class ExportOptions(Options):
    """Of an export. `include`: the parts that are wanted; all but the original, where nothing is said."""

    include: frozenset[Part] = frozenset(Part) - {Part.ORIGINAL}


def read_options(kind: type[Kind], payload: dict[str, Any]) -> Kind:
    """The options in a job's payload. Raises Permanent(invalid_payload), which names the field."""
    try:
        return kind.model_validate_json(json.dumps(payload))
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(map(str, problem["loc"]))
        raise Permanent(
            "invalid_payload", f"The payload's field «{field}» cannot be used: {problem['msg']}."
        ) from error
