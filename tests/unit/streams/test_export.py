"""export: the package holds what is there, names what is not, and claims no room that it does not have."""

import errno
import json
from contextlib import asynccontextmanager
from io import BytesIO
from zipfile import ZipFile

import pytest

from schemas.analyses import ActionItems, Analyses, KeyPoints, Sentiment, Summary
from schemas.documents import Page
from schemas.failures import Busy, Permanent, Retryable
from schemas.media import Rendition, RenditionKind, Scene, Thumbnail
from schemas.options import Part
from schemas.pipeline import JobType
from schemas.transcripts import Segment
from stores import keys
from stores.errors import LeaseLost
from stores.package import Package
from streams.stages import export
from tests.unit.stores.jobs import a_document, a_recording
from tests.unit.streams.fakes import World, etag_of
from tests.unit.streams.working import asked_for

FILM = b"film" * 5000
SENT = b"as it was sent" * 1000
RENDITIONS = {"video.mp4": RenditionKind.VIDEO, "audio.m4a": RenditionKind.AUDIO, "poster.jpg": RenditionKind.POSTER}
TEXTS = {"recording.json", "transcript.txt", "transcript.srt", "transcript.vtt", "transcript.json"}
WHOLE = {*TEXTS, "analyses.json", "analyses.md", *RENDITIONS, "thumbnails/0000.jpg", "manifest.json"}


@pytest.fixture
def world() -> World:
    return World()


async def recorded(world: World, **fields):
    """A recording with everything, its media in the object store."""
    sent = {"size_bytes": len(SENT), "etag": etag_of(SENT), **fields}
    recording = a_recording(title="Stand-up", filename="../../stand up.webm", **sent)
    for name, kind in RENDITIONS.items():
        key = keys.rendition(recording.id, name)
        size = await world.objects.put(key, FILM, "")
        recording.renditions.append(Rendition(kind=kind, content_type="x/y", size_bytes=size, key=key))
    key = keys.thumbnail(recording.id, 0)
    await world.objects.put(key, b"small", "")
    recording.thumbnails.append(Thumbnail(at=0, key=key, width=16, height=9))
    recording.scenes.append(Scene(at=1, score=50))
    await world.objects.put(recording.object_key, SENT, "")
    await world.resources.recordings.create(recording)
    await said(world, recording)
    return recording


async def said(world: World, recording, *, complete: bool = True):
    transcripts = world.resources.transcripts
    await transcripts.begin(recording.id, "0", "echo")
    await transcripts.write(recording.id, "0", 0, [Segment(id=0, start=0, end=1, speaker="Ada", text="Do it.")])
    if complete:
        await transcripts.finish(recording.id, "0", "echo", "en")
    analyses = Analyses(
        summary=Summary(text="Do it.", provider="x"),
        action_items=ActionItems(provider="x"),
        key_points=KeyPoints(provider="x"),
        sentiment=Sentiment(provider="x"),
    )
    await world.resources.analyses.put(recording.id, "0", analyses)


async def exported(world, recording, folder, **payload):
    """The outcome, and the package as it lies in the object store."""
    ctx = await asked_for(world, recording, JobType.EXPORT, folder, **payload)
    outcome = await export.perform(ctx, None)
    return outcome, ZipFile(BytesIO(world.objects.stored[keys.rendition(recording.id, "package.zip")]))


async def test_everything_is_in_the_package(world, tmp_path):
    recording = await recorded(world)
    outcome, package = await exported(world, recording, tmp_path)
    assert set(package.namelist()) == WHOLE
    assert package.read("video.mp4") == FILM
    assert package.read("transcript.txt") == b"Ada: Do it.\n"
    assert b"Ada: Do it." in package.read("transcript.srt")
    assert b"<v Ada>Do it." in package.read("transcript.vtt")
    assert json.loads(package.read("transcript.json"))["segments"][0]["text"] == "Do it."
    assert json.loads(package.read("analyses.json"))["summary"]["text"] == "Do it."
    assert package.read("analyses.md").startswith(b"# Stand\\-up\n") or b"# Stand-up\n" in package.read("analyses.md")
    told = json.loads(package.read("recording.json"))
    assert (told["id"], told["title"], told["scenes"]) == (recording.id, "Stand-up", [{"at": 1.0, "score": 50.0}])
    assert not {"owner_id", "object_key", "fences", "etag"} & set(told)
    manifest = json.loads(package.read("manifest.json"))
    assert {file["name"] for file in manifest["files"]} == WHOLE - {"manifest.json"}
    assert manifest["missing"] == []
    assert outcome.results["export"]["files"] == outcome.event.files == len(WHOLE)
    stored = await world.resources.recordings.get(recording.id)
    made = next(one for one in stored.renditions if one.kind is RenditionKind.PACKAGE)
    assert (made.content_type, made.size_bytes, made.key) == (
        "application/zip",
        outcome.event.size_bytes,
        outcome.event.object_key,
    )


async def test_the_next_package_is_the_same_and_does_not_hold_the_first(world, tmp_path):
    recording = await recorded(world)
    await exported(world, recording, tmp_path)
    first = world.objects.stored[keys.rendition(recording.id, "package.zip")]
    _, package = await exported(world, recording, tmp_path)
    assert world.objects.stored[keys.rendition(recording.id, "package.zip")] == first
    assert set(package.namelist()) == WHOLE


async def test_what_is_not_there_is_named(world, tmp_path):
    recording = a_recording()
    await world.resources.recordings.create(recording)
    outcome, package = await exported(world, recording, tmp_path, include=[part.value for part in Part])
    assert set(package.namelist()) == {"recording.json", "manifest.json"}
    missing = ["analyses", "audio.m4a", "original.webm", "poster.jpg", "thumbnails", "transcript", "video.mp4"]
    assert json.loads(package.read("manifest.json"))["missing"] == outcome.results["export"]["missing"] == missing


async def test_a_transcript_that_is_still_being_made_is_not_there(world, tmp_path):
    recording = await recorded(world)
    await said(world, recording, complete=False)
    outcome, package = await exported(world, recording, tmp_path)
    assert outcome.results["export"]["missing"] == ["transcript"]
    assert "transcript.txt" not in package.namelist()


@pytest.mark.parametrize(
    ("include", "names"),
    [
        ([], set()),
        (["original"], {"original.webm"}),
        (["audio", "analyses"], {"audio.m4a", "analyses.json", "analyses.md"}),
    ],
)
async def test_parts_can_be_asked_for(world, tmp_path, include, names):
    _, package = await exported(world, await recorded(world), tmp_path, include=include)
    assert set(package.namelist()) == {"recording.json", "manifest.json", *names}


async def test_nonsense_is_refused(world, tmp_path):
    with pytest.raises(Permanent, match="invalid_payload"):
        await exported(world, await recorded(world), tmp_path, include="everything")


async def test_without_room_it_is_given_back_before_anything_is_written(world, tmp_path):
    recording = await recorded(world, size_bytes=1 << 60)
    with pytest.raises(Busy, match="disk_full"):
        await exported(world, recording, tmp_path, include=["original"])
    assert list(tmp_path.iterdir()) == []


async def test_room_that_runs_out_is_worth_another_try(world, tmp_path, monkeypatch):
    async def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Package, "add_media", full)
    with pytest.raises(Retryable, match="disk_full"):
        await exported(world, await recorded(world), tmp_path)


async def refused(world, recording, folder):
    """The code of the failure of a package with the original in it; there is no package then."""
    with pytest.raises(Permanent) as caught:
        await exported(world, recording, folder, include=["original"])
    assert keys.rendition(recording.id, "package.zip") not in world.objects.stored
    return caught.value.code


@pytest.mark.parametrize("other", [b"", SENT[:-1], SENT + b"x", bytes(len(SENT))])
async def test_bytes_that_were_never_accepted_do_not_get_into_a_package(world, tmp_path, other):
    recording = await recorded(world)
    world.objects.stored[recording.object_key] = other
    assert await refused(world, recording, tmp_path) == "source_changed"


@pytest.mark.parametrize("other", [SENT[:-1], SENT + b"x"])
async def test_where_no_mark_of_the_accepted_bytes_is_known_their_number_is(world, tmp_path, other):
    recording = await recorded(world, etag=None)
    world.objects.stored[recording.object_key] = other
    assert await refused(world, recording, tmp_path) == "source_changed"


async def test_no_more_of_the_original_is_read_than_was_accepted(world, tmp_path, monkeypatch):
    recording, read = await recorded(world, etag=None), []

    @asynccontextmanager
    async def endless(key):
        async def pieces():
            while True:
                read.append(len(SENT) // 2)
                yield SENT[: len(SENT) // 2]

        yield pieces()

    monkeypatch.setattr(world.objects, "open", endless)
    assert await refused(world, recording, tmp_path) == "source_changed"
    assert len(read) == 3


async def test_an_original_that_is_replaced_while_it_is_copied_is_noticed(world, tmp_path, monkeypatch):
    recording = await recorded(world)
    there = world.objects.open

    @asynccontextmanager
    async def swapped(key):
        async def pieces(opened):
            async for piece in opened:
                world.objects.stored[key] = bytes(len(SENT))
                yield piece

        async with there(key) as opened:
            yield pieces(opened)

    monkeypatch.setattr(world.objects, "open", swapped)
    assert await refused(world, recording, tmp_path) == "source_changed"


async def test_progress_grows_with_what_is_written(world, tmp_path):
    recording = await recorded(world)
    ctx = await asked_for(world, recording, JobType.EXPORT, tmp_path)
    told = []

    async def progress(fraction, results=None):
        told.append(fraction)

    ctx.progress = progress
    await export.perform(ctx, None)
    assert told == sorted(told)
    assert told[-1] == 1
    assert len(set(told)) > 10


async def test_a_recording_that_is_gone_ends_the_work(world, tmp_path):
    recording = await recorded(world)
    ctx = await asked_for(world, recording, JobType.EXPORT, tmp_path)
    await world.resources.recordings.delete_owned(recording.owner_id, recording.id)
    with pytest.raises(LeaseLost):
        await export.perform(ctx, None)


async def test_a_document_is_packed_with_its_text_and_misses_no_film(world, tmp_path):
    document = a_document(size_bytes=len(SENT), etag=etag_of(SENT))
    await world.objects.put(document.object_key, SENT, "")
    await world.resources.recordings.create(document)
    await world.resources.pages.begin(document.id, "0", 2, "en")
    await world.resources.pages.write(document.id, "0", [Page(number=1, text="One."), Page(number=2, text="Two.")])
    await world.resources.pages.finish(document.id, "0", 2, 0)
    everything = [part.value for part in Part]
    ctx = await asked_for(world, document, JobType.EXPORT, tmp_path, include=everything)
    outcome = await export.perform(ctx, None)
    assert outcome.results["export"]["missing"] == ["analyses", "poster.jpg"]
    with ZipFile(BytesIO(world.objects.stored[outcome.event.object_key])) as package:
        assert package.read("document.txt") == b"One.\n\x0cTwo.\n\x0c"
        assert package.read("original.pdf") == SENT
        assert set(package.namelist()) == {
            "recording.json",
            "document.txt",
            "pages.json",
            "original.pdf",
            "manifest.json",
        }
