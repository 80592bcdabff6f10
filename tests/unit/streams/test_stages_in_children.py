"""The stages that work in a child: it is gone when they end, and they take from it only the files of their folder."""

import pytest

from schemas.failures import Retryable
from stores.errors import LeaseLost
from streams.media.messages import AudioDone, MediaFile, Picture, Progress, RenderDone, ScenesFound, SpeechPart
from streams.stages import STAGES
from tests.unit.stores.jobs import a_recording
from tests.unit.streams.fakes import Providers, World
from tests.unit.streams.test_repeats import a_job_with
from tests.unit.streams.working import context_of


class Saying:
    """Children that say what the test wants, and know whether they are gone."""

    def __init__(self, *messages) -> None:
        self.messages, self.gone = messages, False

    async def run(self, *_):
        try:
            for message in self.messages:
                yield message
        finally:
            self.gone = True


async def at_work(stage, children, folder):
    world, recording = World(), a_recording()
    await world.resources.recordings.create(recording)
    job = await world.resources.jobs.create(a_job_with(stage, recording))
    return world, await context_of(world, job, stage, folder, Providers(children))


@pytest.mark.parametrize("stage", ["audio", "render", "scenes"])
async def test_its_child_is_gone_when_a_stage_breaks_off(stage, tmp_path):
    children = Saying(Progress(0.5), Progress(0.6))
    _, ctx = await at_work(stage, children, tmp_path)

    async def lost(*_):
        raise LeaseLost("another has it")

    ctx.progress = lost
    with pytest.raises(LeaseLost) as caught:
        await STAGES[stage].perform(ctx, None)
    assert children.gone, caught


DONE = {
    "audio": lambda path: AudioDone(has_audio=True, duration_seconds=1, wav=MediaFile(path, 1)),
    "render": lambda path: RenderDone(duration_seconds=1, has_video=True, video=MediaFile(path, 1)),
    "scenes": lambda _: ScenesFound(has_video=True),
}


@pytest.mark.parametrize("stage", DONE)
async def test_its_child_is_gone_before_a_stage_stores_what_it_made(stage, tmp_path):
    (tmp_path / "made").write_bytes(b"x")
    children, told = Saying(DONE[stage](tmp_path / "made")), []
    _, ctx = await at_work(stage, children, tmp_path)
    write = ctx.write_recording

    async def noted(fields):
        told.append(children.gone)
        await write(fields)

    ctx.write_recording = noted
    await STAGES[stage].perform(ctx, None)
    assert told
    assert all(told)


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ("audio", lambda path: SpeechPart(0, 0, 1, path)),
        ("audio", lambda path: AudioDone(has_audio=True, duration_seconds=1, wav=MediaFile(path, 1))),
        ("audio", lambda path: AudioDone(has_audio=True, duration_seconds=1, m4a=MediaFile(path, 1))),
        ("render", lambda path: RenderDone(duration_seconds=1, has_video=True, video=MediaFile(path, 1))),
        ("render", lambda path: RenderDone(duration_seconds=1, has_video=True, poster=Picture(0, path, 1, 1))),
        ("render", lambda path: RenderDone(duration_seconds=1, has_video=True, thumbnails=(Picture(0, path, 1, 1),))),
    ],
)
@pytest.mark.parametrize("link", [False, True])
async def test_what_lies_elsewhere_is_never_stored(stage, message, link, tmp_path):
    folder, named = tmp_path / "work", tmp_path / "secret"
    folder.mkdir()
    named.write_bytes(b"secret")
    if link:
        (folder / "link").symlink_to(named)
        named = folder / "link"
    world, ctx = await at_work(stage, Saying(message(named)), folder)
    with pytest.raises(Retryable, match="child_crashed"):
        await STAGES[stage].perform(ctx, None)
    assert b"secret" not in world.objects.stored.values()
