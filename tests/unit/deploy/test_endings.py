"""Why a program ended, in words."""

from pathlib import Path

import pytest

from deploy.embedded import endings
from deploy.embedded.endings import TAIL_LINES, cause, last_lines, memory_kills


@pytest.mark.parametrize(
    ("code", "kills", "words"),
    [
        (0, 0, "ended with exit code 0"),
        (3, 1, "ended with exit code 3"),
        (137, 0, "was killed by SIGKILL"),
        (137, 1, "was killed by SIGKILL (the machine ran out of memory)"),
        (139, 1, "was killed by SIGSEGV"),
        (-9, 0, "lost its guard, which was killed by SIGKILL"),
        (255, 0, "ended with exit code 255"),
    ],
)
def test_a_code_in_words(code: int, kills: int, words: str) -> None:
    assert cause(code, kills) == words


def test_the_kernel_s_count_of_kills_for_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "vmstat").write_text("pgfault 12\noom_kill 3\n")
    monkeypatch.setattr(endings, "_COUNTERS", tmp_path / "vmstat")
    assert memory_kills() == 3


def test_a_system_that_does_not_count_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endings, "_COUNTERS", tmp_path / "nothing")
    assert memory_kills() == 0


def test_the_last_lines_are_those_of_this_life(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("of the life before\n")
    before = log.stat().st_size
    assert last_lines(log, before) == []
    log.write_text(log.read_text() + "one\n\n  two  \n\n")
    assert last_lines(log, before) == ["one", "  two"]


def test_a_log_that_was_cut_over_is_read_from_its_start(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("new\n")
    assert last_lines(log, 4_000_000) == ["new"]


def test_a_long_log_is_not_told_whole(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"{number}\n" for number in range(50_000)))
    assert last_lines(log) == [str(number) for number in range(50_000 - TAIL_LINES, 50_000)]
    assert last_lines(tmp_path / "nothing") == []
