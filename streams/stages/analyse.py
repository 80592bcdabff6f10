"""analyse: summary, action items, key points and sentiment, out of a transcript or the text of a document.

Consumes RecordingTranscribed and DocumentRead from transcripts; puts out RecordingAnalysed. Key: recording. Every
statement cites the moment or the page that it came from. Cost: the language provider's; offline a fraction of a second.
"""

from providers.language import Analyst
from schemas.analyses import Analyses, AnalysisKind
from schemas.documents import DocumentText
from schemas.events import DocumentRead, Event, RecordingAnalysed, RecordingTranscribed
from schemas.failures import Busy, Permanent
from schemas.recordings import RecordingKind
from schemas.topics import Topic
from schemas.transcripts import Transcript
from streams.context import Context
from streams.fallback import with_fallback
from streams.stage import Outcome, Stage

_NOT_READY_SECONDS = 5.0


async def perform(ctx: Context, _: Event) -> Outcome:
    """Reads the text, has it analysed, stores the result in the place of an earlier one."""
    document = (await ctx.recording()).kind is RecordingKind.DOCUMENT
    material = await (_text(ctx) if document else _transcript(ctx))

    async def analysed(analyst: Analyst, instead_of: str | None) -> Outcome:
        analyses = await analyst.analyse(material)
        await ctx.analyses.put(ctx.recording_id, ctx.fence, analyses)
        return Outcome({"analyses": _shown(analyses, instead_of)}, _event(ctx, analyses))

    return await with_fallback(ctx, ctx.analyst, ctx.analyst_fallback, analysed)


async def _transcript(ctx: Context) -> Transcript:
    transcript = await ctx.transcripts.get(ctx.recording_id)
    if transcript is None:
        raise Permanent("upstream_failed", "There is no transcript of the recording that could be analysed.")
    if not transcript.complete:  # another job of the same recording is at it
        raise Busy("not_ready", "The transcript is just being made.", _NOT_READY_SECONDS)
    return transcript


async def _text(ctx: Context) -> DocumentText:
    text = await ctx.pages.get(ctx.recording_id)
    if text is None:
        raise Permanent("upstream_failed", "There is no text of the document that could be analysed.")
    if not text.complete:  # another job of the same document is at it
        raise Busy("not_ready", "The document is just being read.", _NOT_READY_SECONDS)
    return text


def _event(ctx: Context, analyses: Analyses) -> RecordingAnalysed:
    return RecordingAnalysed(
        **ctx.about("recording.analysed"),
        provider=analyses.summary.provider,
        kinds=tuple(kind.value for kind in AnalysisKind),
        action_items=len(analyses.action_items.items),
        key_points=len(analyses.key_points.items),
        sentiment=analyses.sentiment.label,
    )


def _shown(analyses: Analyses, instead_of: str | None) -> dict[str, object]:
    """What the job shows of the analyses; `fallback` is why another provider made them than the first."""
    return {
        "provider": analyses.summary.provider,
        "fallback": instead_of,
        "summary": analyses.summary.text,
        "action_items": len(analyses.action_items.items),
        "key_points": len(analyses.key_points.items),
        "sentiment": analyses.sentiment.label,
    }


STAGE = Stage(
    name="analyse",
    consumes=Topic.TRANSCRIPTS,
    accepts=(RecordingTranscribed, DocumentRead),
    perform=perform,
    needs=("analyst",),
    limit=lambda settings: 10 * settings.provider_timeout_seconds,
    limited_by="PROVIDER_TIMEOUT_SECONDS",
)
