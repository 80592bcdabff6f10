"""export: a package of what is there of a recording, as one ZIP.

Woken by a JobRequested alone; puts out RecordingExported. Key: recording. The payload may name the parts (`include`,
see schemas/options). What is wanted and not there is left out, and named in the package's manifest. Cost: copies the
media through the worker's disk, once in and once out; next to no processor time.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

from schemas import subtitles
from schemas.analyses import Analyses
from schemas.documents import DocumentText
from schemas.events import Event, RecordingExported
from schemas.markdown import analyses_markdown
from schemas.media import RenditionKind
from schemas.options import ExportOptions, Part, read_options
from schemas.recordings import Recording, RecordingKind
from schemas.topics import Topic
from schemas.transcripts import Transcript
from stores.objects import ObjectMissing
from stores.package import Package
from streams.context import Context
from streams.disk import room
from streams.original import as_accepted
from streams.stage import Outcome, Stage

_RENDITIONS = {
    Part.VIDEO: (RenditionKind.VIDEO, "video.mp4"),
    Part.AUDIO: (RenditionKind.AUDIO, "audio.m4a"),
    Part.POSTER: (RenditionKind.POSTER, "poster.jpg"),
}
_OF_DOCUMENTS = frozenset({Part.TRANSCRIPT, Part.ANALYSES, Part.POSTER, Part.ORIGINAL})
_METADATA = {
    "id",
    "kind",
    "title",
    "filename",
    "source",
    "size_bytes",
    "content_type",
    "quality",
    "fps",
    "duration_seconds",
    "has_video",
    "has_audio",
    "language",
    "pages",
    "scenes",
    "created_at",
}


async def perform(ctx: Context, _: Event) -> Outcome:
    """Writes the package to the disk, then stores it in the place of an earlier one."""
    recording = await ctx.recording()
    wanted = read_options(ExportOptions, ctx.payload).include & _possible(recording)
    media = dict(_media(recording, wanted))
    missing = [name for name, source in media.items() if source is None]
    path = ctx.workdir / "package.zip"
    with room(ctx.workdir, sum(source.size_bytes for source in media.values() if source), "the package"):
        async with Package(path, recording.created_at) as package:
            missing += await _add_texts(ctx, package, recording, wanted)
            there = {name: source for name, source in media.items() if source}
            missing += await _add_media(ctx, package, there, recording.etag)
            await package.add_text("manifest.json", _manifest(recording, package, missing))
    stored = await ctx.store_rendition(RenditionKind.PACKAGE, path, "package.zip", "application/zip")
    event = RecordingExported(
        **ctx.about("recording.exported"),
        object_key=stored.key,
        size_bytes=stored.size_bytes,
        files=len(package.entries),
    )
    shown = {"size_bytes": stored.size_bytes, "files": len(package.entries), "missing": sorted(missing)}
    return Outcome({"export": shown}, event)


def _possible(recording: Recording) -> frozenset[Part]:
    """The parts that can be there: others are not missing."""
    return _OF_DOCUMENTS if recording.kind is RecordingKind.DOCUMENT else frozenset(Part)


class _Source(NamedTuple):
    """An object, and how large it is about. `sent`: by a client, who can put other bytes in its place."""

    key: str
    size_bytes: int
    sent: bool = False


def _media(recording: Recording, wanted: frozenset[Part]) -> Iterator[tuple[str, _Source | None]]:
    """The media files by their names in the package; None for one that is not there."""
    made = {rendition.kind: _Source(rendition.key, rendition.size_bytes) for rendition in recording.renditions}
    for part, (kind, name) in _RENDITIONS.items():
        if part in wanted:
            yield name, made.get(kind)
    if Part.THUMBNAILS in wanted:
        for number, thumbnail in enumerate(recording.thumbnails):
            yield f"thumbnails/{number:04d}.jpg", _Source(thumbnail.key, 0)
        if not recording.thumbnails:
            yield "thumbnails", None
    if Part.ORIGINAL in wanted:
        sent = _Source(recording.object_key, recording.size_bytes, sent=True)
        yield f"original{recording.ending}", sent if recording.original_expired_at is None else None


async def _add_texts(ctx: Context, package: Package, recording: Recording, wanted: frozenset[Part]) -> list[str]:
    """Adds what is text; the names of what is not there."""
    kept = ctx.pages if recording.kind is RecordingKind.DOCUMENT else ctx.transcripts
    said: Transcript | DocumentText | None = await kept.get(recording.id) if Part.TRANSCRIPT in wanted else None
    analyses = await ctx.analyses.get(recording.id) if Part.ANALYSES in wanted else None
    complete = said if said and said.complete else None
    texts = await asyncio.to_thread(_texts, recording, complete, analyses)
    for name, text in texts.items():
        await package.add_text(name, text)
    there = {Part.TRANSCRIPT: complete, Part.ANALYSES: analyses}
    return [part.value for part, found in there.items() if part in wanted and found is None]


def _texts(recording: Recording, said: Transcript | DocumentText | None, analyses: Analyses | None) -> dict[str, str]:
    """Every text by its name in the package. Blocks for a moment where the recording is long."""
    texts = {"recording.json": recording.model_dump_json(include=_METADATA, indent=2) + "\n"}
    if isinstance(said, DocumentText):
        texts |= {"document.txt": said.text, "pages.json": said.model_dump_json(indent=2)}
    elif said is not None:
        texts |= {
            "transcript.txt": subtitles.txt(said),
            "transcript.srt": subtitles.srt(said),
            "transcript.vtt": subtitles.vtt(said),
            "transcript.json": said.model_dump_json(indent=2),
        }
    if analyses is not None:
        texts |= {
            "analyses.json": analyses.model_dump_json(indent=2),
            "analyses.md": analyses_markdown(recording.title, analyses),
        }
    return texts


async def _add_media(ctx: Context, package: Package, media: dict[str, _Source], accepted: str | None) -> list[str]:
    """Adds the media, piece by piece; the names of objects that turn out not to be there.

    Raises Permanent (source_changed) where the original is not, or is no longer, what was `accepted`.
    """
    missing, before, total = [], 0, sum(source.size_bytes for source in media.values())
    for name, source in media.items():
        try:
            async with ctx.objects.open(source.key) as opened:
                pieces = as_accepted(ctx, opened, source.key, source.size_bytes, accepted) if source.sent else opened
                await package.add_media(name, _followed(ctx, pieces, before, total))
        except ObjectMissing:
            missing.append(name)
        before += source.size_bytes
    return missing


async def _followed(ctx: Context, pieces: AsyncIterator[bytes], before: int, total: int) -> AsyncIterator[bytes]:
    """The pieces, with the step's progress told on the way."""
    done = before
    async for piece in pieces:
        yield piece
        done += len(piece)
        await ctx.progress(min(done / max(total, 1), 1))


def _manifest(recording: Recording, package: Package, missing: list[str]) -> str:
    manifest: dict[str, Any] = {
        "recording_id": recording.id,
        "files": [entry.model_dump() for entry in package.entries],
        "missing": sorted(missing),
    }
    return json.dumps(manifest, indent=2)


STAGE = Stage(
    name="export",
    consumes=Topic.JOBS,
    accepts=(),
    perform=perform,
    limit=lambda settings: settings.media_step_seconds,
)
