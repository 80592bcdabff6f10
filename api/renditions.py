"""The renditions of a recording or document, as clients get them."""

from pathlib import PurePosixPath

from aiohttp import web

from api.downloads import Download, send
from schemas.media import RenditionKind
from schemas.problems import Problem
from schemas.recordings import Recording

_ENDINGS = {
    RenditionKind.VIDEO: "mp4",
    RenditionKind.AUDIO: "m4a",
    RenditionKind.SPEECH: "wav",
    RenditionKind.POSTER: "jpg",
    RenditionKind.WAVEFORM: "json",
    RenditionKind.PACKAGE: "zip",
}


async def send_rendition(request: web.Request, recording: Recording) -> web.StreamResponse:
    """Answers with the rendition of the kind that the path names. Raises Problem not_found, not_ready,
    original_expired, rendition_expired.
    """
    try:
        kind = RenditionKind(request.match_info["kind"])
    except ValueError as error:
        raise Problem("not_found", "There is no such kind of rendition.") from error
    return await send(request, original(recording) if kind is RenditionKind.ORIGINAL else _made(recording, kind))


def original(recording: Recording) -> Download:
    """What the client sent. Raises Problem not_ready, original_expired."""
    if recording.content_type is None:
        raise Problem("not_ready", "The upload is not complete yet.")
    if recording.original_expired_at is not None:
        raise Problem("original_expired", "What was uploaded has gone by a rule of retention.")
    return Download(
        key=recording.object_key,
        content_type=recording.content_type,
        filename=recording.filename,
        disposition="attachment",
    )


def _made(recording: Recording, kind: RenditionKind) -> Download:
    for made in recording.renditions:
        if made.kind is kind:
            name = f"{PurePosixPath(recording.filename).stem}.{_ENDINGS[kind]}"
            return Download(
                key=made.key,
                content_type=made.content_type,
                filename=name,
                disposition="attachment" if kind is RenditionKind.PACKAGE else "inline",
            )
    if recording.renditions_expired_at is not None:
        raise Problem("rendition_expired", f"The {kind.value} has gone by a rule of retention.")
    raise Problem("not_ready", f"There is no {kind.value} of this {recording.kind.value}, or not yet.")
