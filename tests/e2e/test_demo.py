"""`tidemark demo` as a person runs it: a process of its own, its exit code, and what it prints."""

import asyncio
import sys
from pathlib import Path

import psutil

from tests.e2e.watching import SCREEN_H264


async def run(*arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.cli", "demo", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(150):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def test_it_shows_what_came_out_and_leaves_nothing_running(tmp_path):
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    code, out, err = await run(str(SCREEN_H264), "--data", str(tmp_path))
    assert (code, err) == (0, "")
    for heading in ("Transcript", "Summary", "Action items", "Key points", "Sentiment", "Renditions", "Times"):
        assert f"\n{heading}" in out
    assert "transcribe: completed" in out
    (video,) = tmp_path.glob("demo/*/mp4.mp4")
    assert str(video) in out.replace("\n", "")
    assert {process.pid for process in psutil.Process().children(recursive=True)} <= before


async def test_a_file_that_is_not_there_is_a_sentence(tmp_path):
    code, out, err = await run(str(tmp_path / "none.webm"), "--data", str(tmp_path))
    assert (code, out) == (1, "")
    missing = tmp_path / "none.webm"
    assert err == f"tidemark: There is no file {missing}. Give one that exists: make demo FILE=path/to/recording.webm\n"


async def test_a_file_that_is_no_media_is_a_sentence(tmp_path):
    text = Path(tmp_path, "notes.txt")
    text.write_text("no recording at all\n" * 100)
    code, _, err = await run(str(text), "--data", str(tmp_path / "data"))
    assert code == 1
    assert err.startswith("tidemark: ")
    assert "neither audio nor video" in err
    assert "Traceback" not in err
