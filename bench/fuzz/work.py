"""What a child does with one broken file: both passes of the product, and a look at what came out."""

from collections.abc import Callable, Iterator
from pathlib import Path

from schemas.failures import StepFailure
from streams.media.audio import extract_audio
from streams.media.messages import AudioDone, RenderDone
from streams.media.probe import probe
from streams.media.render import render

DONE = "done"


def chew(source: Path, folder: Path, decoded_bytes: int) -> Iterator[list[str]]:
    """Yields [pass, how it ended]: "done" or the failure's code. What else goes wrong is raised."""
    for name, run in (("audio", _heard), ("render", _seen)):
        yield [name, _ending(run, source, folder, decoded_bytes)]


def _ending(run: Callable[[Path, Path, int], None], source: Path, folder: Path, decoded_bytes: int) -> str:
    try:
        run(source, folder, decoded_bytes)
    except StepFailure as failure:
        return failure.code
    return DONE


def _heard(source: Path, folder: Path, decoded_bytes: int) -> None:
    *_, done = extract_audio(source, folder, decoded_bytes)
    assert isinstance(done, AudioDone)
    if done.m4a is not None:
        assert done.wav is not None
        assert _plays(done.m4a.path) == (False, True), "the m4a does not play"


def _seen(source: Path, folder: Path, decoded_bytes: int) -> None:
    *_, done = render(source, folder, decoded_bytes)
    assert isinstance(done, RenderDone)
    if done.video is not None:
        assert _plays(done.video.path)[0], "the MP4 does not play"


def _plays(made: Path) -> tuple[bool, bool]:
    try:
        found = probe(made)
    except StepFailure as failure:
        raise AssertionError(f"{made.name} cannot be opened: {failure.code}") from failure
    return found.has_video, found.has_audio
