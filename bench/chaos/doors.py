"""The ways by which a recording comes in. Each goes on until the service has taken the file, or refused it for good."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from bench.chaos.caller import Answer, Caller
from bench.chaos.clips import Clip


@dataclass(frozen=True)
class Accepted:
    """The service has said that it has the recording."""

    recording_id: str
    job_id: str


@dataclass(frozen=True)
class Refused:
    """The service has said that it will not have it."""

    status: int
    code: str


async def presigned(caller: Caller, clip: Clip) -> Accepted | Refused:
    """Asks for an address, puts the bytes there, says that they are there. What expired meanwhile begins again."""
    while True:
        wanted = {"filename": clip.name, "file_size": clip.path.stat().st_size, "has_microphone": True}
        asked = await caller.call("POST", "/api/v1/recordings/request-upload/", wanted)
        if asked.status != 201:
            return Refused(asked.status, asked.code)
        if await caller.put(asked.body["upload_url"], clip.path) == 200:
            answer = await _completed(caller, asked.body)
            if answer.code not in ("not_found", "object_missing"):
                return _outcome(answer)


async def _completed(caller: Caller, asked: dict[str, Any]) -> Answer:
    path = f"/api/v1/recordings/{asked['id']}/upload-complete/"
    return await caller.call("POST", path, {"s3_key": asked["s3_key"]})


async def multipart(caller: Caller, clip: Clip) -> Accepted | Refused:
    """Sends a form into a project. A repeat after a lost answer makes another recording, and that is right."""
    content = clip.path.read_bytes()

    def form() -> aiohttp.FormData:
        fields = aiohttp.FormData()
        fields.add_field("file", content, filename=clip.name, content_type="video/webm")
        return fields

    return _outcome(await caller.call("POST", "/projects/chaos/videos", form=form))


def _outcome(answer: Answer) -> Accepted | Refused:
    if answer.status != 202:
        return Refused(answer.status, answer.code)
    return Accepted(recording_id=answer.body["id"], job_id=answer.body["job_id"])


Door = Callable[[Caller, Clip], Awaitable[Accepted | Refused]]

DOORS: dict[str, Door] = {"presigned": presigned, "multipart": multipart}
