"""audio: the sound of an upload, fast, so that the words never wait for the video.

Consumes RecordingUploaded from uploads; puts out AudioAvailable with the first seconds, so that transcription starts
while the rest is being read, and AudioExtracted at the end. Key: recording. Cost: one pass over the file that decodes
only the sound, some hundred times faster than it plays; one child process.
"""

from contextlib import aclosing

from schemas.events import AudioAvailable, AudioExtracted, Event, RecordingUploaded
from schemas.media import SPEECH_SAMPLE_RATE, Probe, RenditionKind
from schemas.topics import Topic
from stores import keys
from streams.context import Context
from streams.media.audio import extract_audio
from streams.media.made import checked, contents
from streams.media.messages import AudioDone, Progress, SpeechPart
from streams.media.speech import PART_BYTES
from streams.original import output_bytes, over_original
from streams.stage import Outcome, Stage


async def perform(ctx: Context, _: Event) -> Outcome:
    """Reads the upload once; stores the audio for speech in parts as it comes, then the WAV and the m4a."""
    probe: Probe | None = None
    done: AudioDone | None = None
    parts = 0
    async with aclosing(over_original(ctx, extract_audio, ctx.workdir)) as messages:
        async for message in messages:
            match message:
                case Probe():
                    probe = message
                    await _store_probe(ctx, message)
                case SpeechPart():
                    await _store_part(ctx, message)
                    parts = message.index + 1
                case Progress():
                    await ctx.progress(message.fraction)
                case AudioDone():
                    done = message
    assert done is not None, "extract_audio ended without a result"
    return await _finish(ctx, done, probe, parts)


async def _store_probe(ctx: Context, probe: Probe) -> None:
    await ctx.write_recording({"has_video": probe.has_video, "has_audio": probe.has_audio})
    await ctx.progress(0, {"probe": probe.model_dump(mode="json")})


async def _store_part(ctx: Context, part: SpeechPart) -> None:
    pcm = contents(part.path, ctx.workdir, PART_BYTES)
    await ctx.objects.put(keys.speech_part(ctx.recording_id, part.index), pcm, "audio/pcm")
    part.path.unlink()
    if part.index == 0:
        await ctx.put_out(
            AudioAvailable(
                **ctx.about("audio.available"),
                parts_prefix=keys.speech_prefix(ctx.recording_id),
                sample_rate=SPEECH_SAMPLE_RATE,
            )
        )
    await ctx.progress(None, {"audio": {"parts": part.index + 1, "until": part.end, "complete": False}})


async def _finish(ctx: Context, done: AudioDone, probe: Probe | None, parts: int) -> Outcome:
    most = output_bytes(ctx.settings)
    renditions = [
        await ctx.store_rendition(kind, checked(file.path, ctx.workdir, most), name, content_type, copied=file.copied)
        for kind, file, name, content_type in (
            (RenditionKind.SPEECH, done.wav, "speech.wav", "audio/wav"),
            (RenditionKind.AUDIO, done.m4a, "audio.m4a", "audio/mp4"),
            (RenditionKind.WAVEFORM, done.waveform, "waveform.json", "application/json"),
        )
        if file is not None
    ]
    fields = {"duration_seconds": round(done.duration_seconds, 3), "has_audio": done.has_audio}
    await ctx.write_recording(fields)
    stored = {rendition.kind: rendition.key for rendition in renditions}
    event = AudioExtracted(
        **ctx.about("audio.extracted"),
        **fields,
        has_video=bool(probe and probe.has_video),
        parts_prefix=keys.speech_prefix(ctx.recording_id),
        parts=parts,
        sample_rate=SPEECH_SAMPLE_RATE,
        wav_key=stored.get(RenditionKind.SPEECH),
        m4a_key=stored.get(RenditionKind.AUDIO),
    )
    return Outcome({"audio": {"parts": parts, "until": done.audio_seconds, "complete": True, **fields}}, event)


STAGE = Stage(
    name="audio",
    consumes=Topic.UPLOADS,
    accepts=(RecordingUploaded,),
    perform=perform,
    limit=lambda settings: settings.media_step_seconds,
    preload=lambda _: ("streams.media.audio",),
    in_children=True,
)
