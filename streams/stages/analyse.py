"""analyse: summary, action items, key points and sentiment, out of a transcript.

Consumes RecordingTranscribed from transcripts; puts out RecordingAnalysed. Key: recording. Every statement cites the
moment that it came from. Cost: the language provider's; offline a fraction of a second.
"""

from schemas.analyses import Analyses, AnalysisKind
from schemas.events import Event, RecordingAnalysed, RecordingTranscribed
from schemas.failures import Retryable
from schemas.topics import Topic
from streams.context import Context
from streams.stage import Outcome, Stage


async def perform(ctx: Context, _: Event) -> Outcome:
    """Reads the transcript, has it analysed, stores the result in the place of an earlier one."""
    transcript = await ctx.transcripts.get(ctx.recording_id)
    if transcript is None:
        raise Retryable("store_unavailable", "The transcript is not there yet.")
    analyses = await ctx.analyst.analyse(transcript)
    await ctx.analyses.put(ctx.recording_id, ctx.fence, analyses)
    event = RecordingAnalysed(
        **ctx.about("recording.analysed"),
        provider=analyses.summary.provider,
        kinds=tuple(kind.value for kind in AnalysisKind),
        action_items=len(analyses.action_items.items),
        key_points=len(analyses.key_points.items),
        sentiment=analyses.sentiment.label,
    )
    return Outcome({"analyses": _shown(analyses)}, event)


def _shown(analyses: Analyses) -> dict[str, object]:
    return {
        "provider": analyses.summary.provider,
        "summary": analyses.summary.text,
        "action_items": len(analyses.action_items.items),
        "key_points": len(analyses.key_points.items),
        "sentiment": analyses.sentiment.label,
    }


STAGE = Stage(
    name="analyse",
    consumes=Topic.TRANSCRIPTS,
    accepts=(RecordingTranscribed,),
    perform=perform,
    needs=("analyst",),
    limit=lambda settings: 10 * settings.provider_timeout_seconds,
)
