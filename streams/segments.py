"""A transcript while it is made: stored page by page under a fence, and what a job shows of it."""

from collections.abc import Sequence
from typing import Any

from schemas.transcripts import Segment
from stores.transcripts import SEGMENTS_A_PAGE
from streams.context import Context

_SHOWN_SEGMENTS = 20


async def store(ctx: Context, fence: str, segments: list[Segment], added: Sequence[Segment]) -> None:
    """Adds to the segments, and to the transcript; the pages that changed are written again, whole."""
    first = len(segments) - len(segments) % SEGMENTS_A_PAGE
    segments.extend(added)
    for start in range(first, len(segments) if added else first, SEGMENTS_A_PAGE):
        await ctx.transcripts.write(ctx.recording_id, fence, start, segments[start : start + SEGMENTS_A_PAGE])


def shown(
    segments: Sequence[Segment], language: str | None, provider: str | None = None, instead_of: str | None = None
) -> dict[str, Any]:
    """What the job shows of the transcript: its newest segments, and how many there are.

    `provider` is named when it is whole; `fallback` is why another provider made it than the first.
    """
    newest = [segment.model_dump(exclude={"words"}) for segment in segments[-_SHOWN_SEGMENTS:]]
    return {
        "transcript": {
            "language": language,
            "provider": provider,
            "fallback": instead_of,
            "segment_count": len(segments),
            "segments": newest,
            "complete": provider is not None,
        }
    }
