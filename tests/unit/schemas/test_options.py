"""What a payload may ask for."""

import math

import pytest

from schemas.failures import Permanent
from schemas.options import ExportOptions, Part, ScenesOptions, read_options


def test_an_empty_payload_has_defaults() -> None:
    assert read_options(ScenesOptions, {}).threshold == 6.0
    assert read_options(ExportOptions, {}).include == set(Part) - {Part.ORIGINAL}


def test_what_is_asked_for_is_read_and_the_rest_ignored() -> None:
    assert read_options(ScenesOptions, {"threshold": 12, "colour": "red"}).threshold == 12.0
    assert read_options(ExportOptions, {"include": ["original", "audio"]}).include == {Part.ORIGINAL, Part.AUDIO}
    assert read_options(ExportOptions, {"include": []}).include == frozenset()


@pytest.mark.parametrize("threshold", [0, -1, 101, "6", None, True, math.nan, math.inf, [6]])
def test_a_threshold_that_is_none_is_named(threshold: object) -> None:
    with pytest.raises(Permanent, match="«threshold»") as caught:
        read_options(ScenesOptions, {"threshold": threshold})
    assert caught.value.code == "invalid_payload"


@pytest.mark.parametrize("include", ["video", ["video", "soul"], 7, None, {"video": True}])
def test_a_part_that_does_not_exist_is_named(include: object) -> None:
    with pytest.raises(Permanent, match="«include"):
        read_options(ExportOptions, {"include": include})
