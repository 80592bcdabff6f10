"""What a form asks for, in each of the ways that clients write it."""

import pytest

from schemas.materials import Material, read_materials


@pytest.mark.parametrize(
    "values",
    [
        ["summary", "transcript"],
        ["summary, transcript"],
        ['["summary", "transcript"]'],
        ["summary,", "transcript,summary"],
    ],
)
def test_each_way_of_writing_means_the_same(values):
    assert read_materials(values) == (Material.SUMMARY, Material.TRANSCRIPT)


def test_nothing_is_nothing():
    assert read_materials([]) == read_materials([""]) == read_materials(["[]"]) == ()


@pytest.mark.parametrize(
    ("value", "told"), [("summary,poem", "«poem» is none of transcript"), ("[1]", "«1»"), ('["a', "no JSON")]
)
def test_what_is_unknown_is_named(value, told):
    with pytest.raises(ValueError, match=told):
        read_materials([value])
