"""The command line: what it accepts, and how it says what is wrong."""

from pathlib import Path

import pytest

from deploy.cli import main


@pytest.mark.parametrize("arguments", [[], ["fly"], ["up", "--port", "0"], ["up", "--port", "http"]])
def test_wrong_arguments_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert "usage: tidemark" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["api", "worker", "topics", "up", "demo"])
def test_a_wrong_setting_is_a_sentence(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORKER_CONCURRENCY", "many")
    assert main([command]) == 2
    told = capsys.readouterr().err
    assert told.startswith("tidemark: WORKER_CONCURRENCY: ")
    assert "Traceback" not in told


def test_a_stage_that_does_not_exist_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["worker", "fly"]) == 2
    assert "fly" in capsys.readouterr().err


def test_a_file_that_does_not_exist_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", str(tmp_path / "nothing.webm"), "--data", str(tmp_path)]) == 1
    assert "nothing.webm" in capsys.readouterr().err
