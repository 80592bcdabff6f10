"""What a person has, so that a generated request can be about something that is there: ids by what a path says."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient

from api import keys
from schemas.analyses import ActionItem, ActionItems, Analyses, Citation, KeyPoints, Sentiment, Summary
from schemas.media import Rendition, RenditionKind, Scene, Thumbnail
from schemas.transcripts import Segment, Word
from stores import keys as layout
from tests.integration.api import owned
from tests.integration.api.people import Person, advance, completed, failed, first_fence

PROJECT, SPARE = "kept.project", "spare.project"
_BYTES = bytes(range(256)) * 40
_RENDITIONS = {
    RenditionKind.VIDEO: "video/mp4",
    RenditionKind.AUDIO: "audio/mp4",
    RenditionKind.SPEECH: "audio/wav",
    RenditionKind.POSTER: "image/jpeg",
    RenditionKind.WAVEFORM: "application/json",
    RenditionKind.PACKAGE: "application/zip",
}
_CITED = (Citation(start=0.4, end=2.1, segment_id=0),)
_ANALYSES = Analyses(
    summary=Summary(text="All is well.", provider="test", citations=_CITED),
    action_items=ActionItems(items=(ActionItem(text="Ada writes.", at=0.4, citations=_CITED),), provider="test"),
    key_points=KeyPoints(provider="test"),
    sentiment=Sentiment(provider="test", label="positive", score=0.5),
)


@dataclass(frozen=True, slots=True)
class Known:
    """Values of a parameter ("path.id", "body.payload.recording_id") in the operations whose path holds `within`.

    Of "body.file" the values are paths of files.
    """

    parameter: str
    values: tuple[str, ...]
    within: str = "/"

    @property
    def location(self) -> str:
        """`path` or `body`."""
        return self.parameter.split(".")[0]

    @property
    def names(self) -> tuple[str, ...]:
        """The way to it."""
        return tuple(self.parameter.split(".")[1:])


@dataclass(frozen=True, slots=True)
class Things:
    """What a person has. Nothing that is in `kept` is ever deleted; what is `spare` is there to be deleted."""

    kept: tuple[Known, ...] = ()
    spare: tuple[Known, ...] = ()
    sessions: tuple[str, ...] = ()
    """Access tokens of other sessions of the same person, to be ended."""

    def to_json(self) -> str:
        """For the process that makes the requests."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Things":
        """What `to_json` wrote."""
        read = json.loads(text)
        return cls(*(tuple(map(_known, read[name])) for name in ("kept", "spare")), tuple(read["sessions"]))


def _known(read: dict[str, Any]) -> Known:
    return Known(read["parameter"], tuple(read["values"]), read["within"])


async def own_things(person: Person, webm: Path, password: str) -> Things:
    """A recording with everything that a pipeline makes, one that waits for its bytes, and jobs in several states."""
    content = webm.read_bytes()
    whole = await person.upload(content, filename="Zoë's «talk».webm", title="Zoë's talk", project_id=PROJECT)
    broken = await person.upload(content, project_id=PROJECT)
    waiting = await person.announce(len(content), project_id=PROJECT)
    await _made(person.client, whole)
    await advance(person.client.app, whole["job_id"], completed)
    await advance(person.client.app, broken["job_id"], failed)
    others = owned.Things(person, content), owned.Things(person, content)
    asked = await person.job("scene_detection", whole["id"])
    recordings = (*3 * (whole["id"],), broken["id"], waiting["id"])
    jobs = (whole["job_id"], broken["job_id"], asked)
    spare = [(await person.announce(10, project_id=project))["id"] for project in 2 * (PROJECT, PROJECT, SPARE)]
    return Things(
        kept=(
            Known("path.project_id", (PROJECT,)),
            Known("path.id", recordings, within="/recordings/{id}"),
            Known("path.asset_id", recordings),
            Known("path.id", jobs, within="/jobs/{id}"),
            Known("path.id", jobs, within="/api/stream/{id}"),
            Known("path.number", ("0", "1")),
            Known("body.payload.recording_id", recordings),
            Known("body.project_id", (PROJECT,)),
            Known("body.course_id", (PROJECT,)),
            Known("body.s3_key", (whole["s3_key"],)),
            Known("body.file", (str(webm),), within="/videos"),
            *await _of_every_kind(others[0], besides={"recording", "job"}),
        ),
        spare=(
            Known("path.project_id", (SPARE,), within="/storage"),
            Known("path.project_id", (PROJECT,), within="/videos/{asset_id}"),
            Known("path.id", tuple(spare[::3]), within="/recordings/{id}"),
            Known("path.asset_id", tuple(spare[1::3])),
            *await _of_every_kind(others[1], besides={"recording", "job"}),
        ),
        sessions=(await _another_session(person, password),),
    )


async def _of_every_kind(things: owned.Things, besides: set[str]) -> list[Known]:
    """What the walk over all routes knows to make, and where a path names it."""
    return [
        Known(f"path.{name}", (await things.id_of(kind),), within=f"/{segment}/{{{name}}}")
        for (segment, name), kind in owned.OWNED.items()
        if kind not in besides
    ]


async def _another_session(person: Person, password: str) -> str:
    names = {"username": person.user["username"], "password": password}
    tokens = await (await person.client.post("/api/v1/auth/token", json=names)).json()
    return str(tokens["access"])


async def _made(client: TestClient, address: dict[str, Any]) -> None:
    """Puts into the stores what the pipeline would have made of the recording."""
    recording_id, fence, app = address["id"], first_fence(address), client.app
    for kind, content_type in _RENDITIONS.items():
        key = layout.rendition(recording_id, kind.value)
        body = b'{"peaks": [0, 0.5]}' if content_type == "application/json" else _BYTES
        await app[keys.OBJECTS].put(key, body, content_type)
        rendition = Rendition(kind=kind, content_type=content_type, size_bytes=len(body), key=key)
        await app[keys.RECORDINGS].add_rendition(recording_id, "render", fence, rendition)
    picture = layout.thumbnail(recording_id, 0)
    await app[keys.OBJECTS].put(picture, _BYTES, "image/jpeg")
    thumbnail, scene = Thumbnail(at=1.5, key=picture, width=320, height=180), Scene(at=1.5, score=40)
    fields = {"thumbnails": [thumbnail.model_dump()], "scenes": [scene.model_dump()], "duration_seconds": 45.2}
    await app[keys.RECORDINGS].write(recording_id, "render", fence, fields)
    word = Word(text="Hello", start=0.4, end=0.9)
    segment = Segment(id=0, start=0.4, end=2.1, speaker="Ada", text="Hello, all.", words=(word,))
    await app[keys.TRANSCRIPTS].begin(recording_id, fence, "test")
    await app[keys.TRANSCRIPTS].write(recording_id, fence, 0, [segment])
    await app[keys.TRANSCRIPTS].finish(recording_id, fence, "test", "en")
    await app[keys.ANALYSES].put(recording_id, fence, _ANALYSES)
