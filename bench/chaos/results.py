"""What a client gets of a recording: everything that can be compared with what an undisturbed run gave."""

import hashlib
from typing import Any

from bench.chaos.caller import Caller

Results = dict[str, Any]

_TELLING = ("status", "size_bytes", "duration_seconds", "has_video", "has_audio", "scenes", "analyses")


async def results_of(caller: Caller, recording_id: str) -> Results:
    """The recording's figures, its transcript and analyses, and of each of its files the size and the digest.

    A file whose bytes are fewer or more than its document says, or that cannot be had, shows in `torn`.
    """
    path = f"/api/v1/recordings/{recording_id}/"
    recording = (await caller.call("GET", path)).body
    transcript = (await caller.call("GET", f"{path}transcript")).body
    files = {rendition["kind"]: rendition for rendition in recording.get("renditions", ())}
    sizes = {kind: rendition["size_bytes"] for kind, rendition in files.items()}
    contents = {kind: await caller.download(rendition["url"]) for kind, rendition in files.items()}
    contents["original"] = await caller.download(f"{path}renditions/original")
    pictures = [await caller.download(thumbnail["url"]) for thumbnail in recording.get("thumbnails", ())]
    return {
        **{name: recording.get(name) for name in _TELLING},
        "words": [segment.get("text") for segment in transcript.get("segments", ())],
        "language": transcript.get("language"),
        "complete": transcript.get("complete"),
        "files": {kind: _digest(content) for kind, content in contents.items()},
        "thumbnails": [_digest(picture) for picture in pictures],
        "torn": [kind for kind, size in sizes.items() if len(contents[kind]) != size],
    }


def differences(results: Results, reference: Results) -> list[str]:
    """The names of what is not as in the reference."""
    return [name for name in reference if results.get(name) != reference[name]]


def _digest(content: bytes) -> str:
    return f"{len(content)} bytes, {hashlib.sha256(content).hexdigest()[:16]}"
