"""One run of each pass over a file, and what it said."""

from collections.abc import Callable
from pathlib import Path

import pytest

from streams.media.audio import extract_audio
from streams.media.messages import AudioDone, AudioMessage, RenderDone
from streams.media.render import render


@pytest.fixture
def heard(tmp_path: Path) -> Callable[[Path], tuple[AudioDone, list[AudioMessage]]]:
    def run(source: Path) -> tuple[AudioDone, list[AudioMessage]]:
        workdir = tmp_path / "heard"
        workdir.mkdir()
        messages = list(extract_audio(source, workdir))
        assert isinstance(messages[-1], AudioDone)
        return messages[-1], messages

    return run


@pytest.fixture
def rendered(tmp_path: Path) -> Callable[[Path], RenderDone]:
    def run(source: Path) -> RenderDone:
        workdir = tmp_path / "rendered"
        workdir.mkdir()
        *_, done = render(source, workdir)
        assert isinstance(done, RenderDone)
        return done

    return run
