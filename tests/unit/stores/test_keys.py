"""Keys: everything of a recording lies under its prefix, apart from every other, and parts sort as they count."""

from stores import keys


def test_everything_of_a_recording_lies_under_its_prefix():
    made = [
        keys.original("r"),
        keys.speech_part("r", 0),
        keys.rendition("r", "video.mp4"),
        keys.thumbnail("r", 0),
    ]
    assert len(set(made)) == len(made)
    assert all(key.startswith(keys.recording_prefix("r")) for key in made)
    assert not keys.original("r1").startswith(keys.recording_prefix("r"))


def test_parts_sort_as_they_count():
    parts = [keys.speech_part("r", number) for number in (0, 9, 10, 99, 100, 99_999)]
    assert parts == sorted(parts)
    assert all(part.startswith(keys.speech_prefix("r")) for part in parts)
