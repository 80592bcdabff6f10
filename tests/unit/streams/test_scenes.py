"""scenes: what is found replaces what was there, with the threshold that was asked for."""

import pytest

from schemas.failures import Permanent
from schemas.media import Scene
from schemas.pipeline import JobType
from streams.media.messages import Progress, ScenesFound
from streams.stages import scenes
from tests.unit.stores.jobs import a_recording
from tests.unit.streams.fakes import Providers, World
from tests.unit.streams.working import asked_for


class Finder:
    """Children that find what the test says, and remember what they were asked."""

    def __init__(self, found: ScenesFound) -> None:
        self.found = found
        self.asked: list[tuple[object, ...]] = []

    async def run(self, _, most, entry, *args):
        self.asked.append((most, entry.__name__, *args))
        yield Progress(0.5)
        yield self.found


async def looked(folder, found: ScenesFound, **payload):
    world, recording, finder = World(), a_recording(scenes=[Scene(at=9, score=90)]), Finder(found)
    await world.resources.recordings.create(recording)
    ctx = await asked_for(world, recording, JobType.SCENE_DETECTION, folder, Providers(finder), **payload)
    outcome = await scenes.perform(ctx, None)
    return outcome, await world.resources.recordings.get(recording.id), finder


async def test_scenes_take_the_place_of_earlier_ones(tmp_path):
    found = (Scene(at=1, score=50), Scene(at=2, score=60))
    outcome, recording, finder = await looked(tmp_path, ScenesFound(has_video=True, scenes=found), threshold=40)
    assert tuple(recording.scenes) == found
    assert outcome.results == {"scenes": {"count": 2, "threshold": 40.0, "has_video": True}}
    assert (outcome.event.type, outcome.event.scenes) == ("scenes.detected", 2)
    [(most, entry, url, threshold, decoded)] = finder.asked
    assert (most, entry, threshold, decoded) == (8 * 1024**3, "find_scenes", 40.0, 8192 * 1024**3)
    assert url.endswith(f"{recording.id}/original")


async def test_without_a_picture_there_are_none(tmp_path):
    outcome, recording, _ = await looked(tmp_path, ScenesFound(has_video=False))
    assert recording.scenes == []
    assert outcome.results["scenes"] == {"count": 0, "threshold": 6.0, "has_video": False}


async def test_nonsense_is_refused(tmp_path):
    with pytest.raises(Permanent, match="invalid_payload"):
        await looked(tmp_path, ScenesFound(has_video=True), threshold="high")
