"""A package: what goes in comes out, the same bytes for the same content, whatever happens midway."""

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import pytest

from stores import package as module
from stores.package import Package

MOMENT = datetime(2026, 3, 1, 12, 30, 14, tzinfo=UTC)


async def pieces(*some: bytes) -> AsyncIterator[bytes]:
    for piece in some:
        await asyncio.sleep(0)
        yield piece


async def written(path: Path) -> Package:
    async with Package(path, MOMENT) as package:
        await package.add_text("text.txt", "word " * 1000)
        await package.add_media("film.mp4", pieces(b"fi", b"lm" * 5000))
    return package


async def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    package = await written(tmp_path / "a.zip")
    with ZipFile(tmp_path / "a.zip") as found:
        assert found.testzip() is None
        film, text = found.getinfo("film.mp4"), found.getinfo("text.txt")
        assert found.read("film.mp4") == b"fi" + b"lm" * 5000
        assert found.read("text.txt") == b"word " * 1000
    assert (film.compress_type, text.compress_type) == (ZIP_STORED, ZIP_DEFLATED)
    assert film.date_time == text.date_time == (2026, 3, 1, 12, 30, 14)
    told = {entry.name: entry for entry in package.entries}
    assert told["film.mp4"].size_bytes == 10_002
    assert told["film.mp4"].sha256 == hashlib.sha256(b"fi" + b"lm" * 5000).hexdigest()


async def test_a_repeat_gives_the_same_bytes(tmp_path: Path) -> None:
    await written(tmp_path / "a.zip")
    await written(tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


async def test_an_entry_may_turn_out_larger_than_32_bits_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zipfile.ZIP64_LIMIT", 1000)
    async with Package(tmp_path / "a.zip", MOMENT) as package:
        await package.add_media("film.mp4", pieces(b"x" * 2000))
    with ZipFile(tmp_path / "a.zip") as found:
        assert found.read("film.mp4") == b"x" * 2000


async def test_a_source_that_breaks_off_leaves_no_entry_behind_that_claims_to_be_whole(tmp_path: Path) -> None:
    async def breaks() -> AsyncIterator[bytes]:
        yield b"half"
        raise ConnectionResetError

    package = Package(tmp_path / "a.zip", MOMENT)
    with pytest.raises(ConnectionResetError):
        async with package:
            await package.add_media("film.mp4", breaks())
    assert package.entries == []


async def test_cancelled_it_waits_for_the_piece_that_is_being_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, go_on, done = threading.Event(), threading.Event(), []

    def slowly(file: object, digest: object, piece: bytes) -> None:
        writing.set()
        go_on.wait(10)
        done.append(piece)

    monkeypatch.setattr(module, "_written", slowly)
    task = asyncio.create_task(written(tmp_path / "a.zip"))
    await asyncio.to_thread(writing.wait, 10)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(done) == 1


async def test_a_full_disk_is_said() -> None:
    package = Package(Path("/dev/full"), MOMENT)
    with pytest.raises(OSError, match="No space left"):
        async with package:
            await package.add_media("film.mp4", pieces(b"x" * 1_000_000))
