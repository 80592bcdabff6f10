"""What FFmpeg is handed to read: a place that does not exist is refused, and what cannot be read is remembered."""

import io
from pathlib import Path

import pytest

from streams.media.reading import Local, Unreadable, reading


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(range(100)))
    return path


def test_it_reads_and_seeks_like_a_file(file: Path) -> None:
    with reading(file) as source:
        assert source.read(3) == b"\0\1\2"
        assert (source.seek(2, io.SEEK_CUR), source.read(1)) == (5, b"\5")
        assert (source.seek(-1, io.SEEK_END), source.read(10), source.read(10)) == (99, b"c", b"")
        assert (source.seek(10**12), source.read(1), source.tell()) == (10**12, b"", 10**12)


@pytest.mark.parametrize(
    ("offset", "whence"), [(-1, 0), (-2, 1), (-101, 2), (2**63 - 1, 1), (2**63 - 1, 0), (-(2**63), 0)]
)
def test_a_place_that_cannot_be_is_refused_without_moving(file: Path, offset: int, whence: int) -> None:
    with reading(file) as source:
        source.read(1)
        assert source.seek(offset, whence) < 0
        assert (source.tell(), source.failure) == (1, None)


def test_what_is_not_there_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        Local(tmp_path / "gone")


def test_a_failure_is_remembered(file: Path) -> None:
    source = Local(file)
    source.close()
    source._file = Torn()
    with pytest.raises(Unreadable, match="torn"):
        source.read(1)
    assert source.failure is not None


class Torn:
    """A file on a disk that gives up."""

    def seek(self, at: int) -> int:
        raise OSError("torn")
