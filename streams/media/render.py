"""The render pass: one reading that makes the MP4, the poster, the thumbnails and the scene changes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import av
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from schemas.failures import Permanent
from streams.media.limits import Allowance
from streams.media.messages import MediaFile, RenderDone, RenderMessage
from streams.media.progress import ProgressMeter
from streams.media.scenes import SceneFinder
from streams.media.sound import FAST_START, sound_track
from streams.media.source import Source, first_picture, opened, translated
from streams.media.stills import Stills
from streams.media.video import CopiedPicture, CopyRefused, EncodedPicture, copyable


def render(source: str | Path, workdir: Path, decoded_bytes: int | None = None) -> Iterator[RenderMessage]:
    """Reads the recording once. Yields Progress, then RenderDone. Without a picture beside
    its sound it renders nothing and says so.

    The MP4 has H.264 (copied where it is H.264, 8 bit, 4:2:0 of one size; else veryfast, crf 23, at the pictures' own
    times) and AAC (copied where it is AAC), its index first. A picture that changes size midway is fitted into the
    first size with black bars. What a damaged file has is rendered. Blocks. Raises Permanent (not_media, no_streams,
    picture_too_large, media_too_long, undecodable, memory_limit, or decoded_limit beyond `decoded_bytes`) or Retryable
    (source_unreadable, disk_full).
    """
    allowance = Allowance(decoded_bytes)
    with translated():
        first = first_picture(source, allowance)
        try:
            with opened(source, allowance) as recording:
                yield from _render(recording, workdir, first, may_copy=True)
        except CopyRefused:
            with opened(source, allowance) as recording:
                yield from _render(recording, workdir, first, may_copy=False)


def _render(recording: Source, workdir: Path, first: VideoFrame | None, *, may_copy: bool) -> Iterator[RenderMessage]:
    if recording.video is not None and first is not None:
        yield from _rendered(recording, recording.video, workdir, first, may_copy=may_copy)
    elif recording.audio is not None:
        yield RenderDone(recording.duration or 0.0)
    else:
        raise Permanent("undecodable", "Nothing of the picture in the file could be decoded.")


def _rendered(
    recording: Source, video: VideoStream, workdir: Path, first: VideoFrame, *, may_copy: bool
) -> Iterator[RenderMessage]:
    path = workdir / "video.mp4"
    seen, meter = _Seen(Stills(workdir)), ProgressMeter(recording)
    with av.open(path, "w", format="mp4", options=FAST_START) as output, translated():
        make = CopiedPicture if may_copy and copyable(video, first) else EncodedPicture
        picture = make(output, video, first)
        sound = sound_track(output, recording.audio) if recording.audio is not None else None
        for packet in recording.packets():
            yield from meter.after(packet)
            if packet.stream_index == video.index:
                seen.look(picture.write(packet, recording.picture_frames(packet)))
            elif sound is not None:
                sound.write(packet, recording.sound_frames(packet))
        picture.close()
        if sound is not None:
            sound.close()
    poster, thumbnails = seen.stills.done()
    yield RenderDone(
        duration_seconds=recording.timeline.head,
        has_video=True,
        width=picture.width,
        height=picture.height,
        frames=seen.frames,
        video=MediaFile.at(path, copied=picture.copied),
        poster=poster,
        thumbnails=thumbnails,
        scenes=seen.scenes.done(),
    )


@dataclass
class _Seen:
    """What looking at the pictures gave."""

    stills: Stills
    scenes: SceneFinder = field(default_factory=SceneFinder)
    frames: int = 0

    def look(self, frames: list[VideoFrame]) -> None:
        for frame in frames:
            at = max(frame.time or 0.0, 0.0)
            self.frames += 1
            self.scenes.look(at, frame)
            self.stills.look(at, frame)
