"""What a child names is taken only where it is a plain file of the attempt's own folder."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.failures import Retryable
from streams.media.made import checked, contents, folder_bytes

MOST = 10


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_bytes(b"secret")
    made = tmp_path / "work"
    made.mkdir()
    (made / "file").write_bytes(b"0123456789")
    return made


def linked(folder: Path) -> Path:
    (folder / "link").symlink_to(folder.parent / "secret")
    return folder / "link"


def piped(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def deep(folder: Path) -> Path:
    (folder / "below").mkdir()
    (folder / "below" / "file").write_bytes(b"x")
    return folder / "below" / "file"


def large(folder: Path) -> Path:
    (folder / "large").write_bytes(bytes(MOST + 1))
    return folder / "large"


def test_a_file_of_the_folder_is_taken(folder: Path) -> None:
    assert contents(folder / "file", folder, MOST) == b"0123456789"
    assert checked(folder / "file", folder, MOST) == folder / "file"


@pytest.mark.parametrize(
    "forged",
    [
        linked,
        piped,
        deep,
        large,
        lambda folder: folder.parent / "secret",
        lambda folder: folder / ".." / "secret",
        lambda folder: folder / "..",
        lambda folder: folder,
        lambda _: Path("file"),
        lambda _: Path("/dev/zero"),
        lambda folder: folder / "nothing",
        lambda folder: folder / "nu\0ll",
    ],
)
def test_nothing_else_is_even_opened(folder: Path, forged: Callable[[Path], Path]) -> None:
    named = forged(folder)
    for take in (contents, checked):
        with pytest.raises(Retryable) as raised:
            take(named, folder, MOST)
        assert raised.value.code == "child_crashed"
        assert str(folder) not in raised.value.detail


def test_a_folder_is_as_large_as_all_that_lies_in_it_and_not_what_it_links_to(folder: Path) -> None:
    assert folder_bytes(folder) == 10
    deep(folder)
    (folder / "link").symlink_to("/")
    assert folder_bytes(folder) == 10 + 1
    assert folder_bytes(folder / "nothing") == 0
