"""What operators type and read: arguments, sentences, and nothing that a terminal would act upon."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.cli import main
from deploy.embedded.process import PROJECT
from deploy.operate import output
from schemas.letters import Replayed

COMMANDS = [
    ["dead-letters", "list"],
    ["dead-letters", "show", "1"],
    ["dead-letters", "replay", "1"],
    ["stages", "list"],
    ["stages", "resume", "render"],
    ["reconcile"],
]


@pytest.mark.parametrize(
    "arguments",
    [
        *(["dead-letters"], ["dead-letters", "burn"], ["dead-letters", "show"], ["dead-letters", "show", "-1"]),
        *(["dead-letters", "show", "x"], ["dead-letters", "list", "--limit", "0"], ["stages"], ["stages", "resume"]),
        *(
            ["stages", "resume", "fly"],
            ["dead-letters", "list", "--limit", "1001"],
            ["dead-letters", "replay", "1" * 30],
        ),
    ],
)
def test_wrong_arguments_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert "usage: tidemark" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_wrong_setting_is_a_sentence(command, monkeypatch, capsys):
    monkeypatch.setenv("WORKER_CONCURRENCY", "many")
    assert main(command) == 2
    assert capsys.readouterr().err.startswith("tidemark: WORKER_CONCURRENCY: ")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_folder_that_nothing_runs_in_is_a_sentence(command, tmp_path: Path, capsys):
    assert main([*command, "--data", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"tidemark: No Tidemark runs with its data in {tmp_path}")
    assert list(tmp_path.iterdir()) == [], "to ask leaves nothing behind"


@pytest.mark.parametrize("text", ["\x1b[31mred", "bell\x07", "two\nlines", "\r", "\u202eright to left", "\x9b31m"])
def test_nothing_that_a_terminal_acts_upon_is_said(text):
    said = output.plain(text)
    assert said.isprintable()
    assert "\\" in said


def test_text_for_people_stays_as_it_is():
    assert output.plain("später ☂ «render»") == "später ☂ «render»"


def test_a_table_is_as_wide_as_its_words():
    assert output.table(("A", "LONGER"), [("one", "x"), ("1", "\x1b")]) == ["A    LONGER", "one  x", "1    \\x1b"]


def test_json_is_one_document_in_ascii(capsys):
    output.say_json(Replayed(number=1, job_id="später\x9b"))
    said = capsys.readouterr().out
    assert said.isascii()
    assert json.loads(said)["job_id"] == "später\x9b"


def test_a_reader_that_has_had_enough_is_no_error():
    program = "from deploy.operate import output\nfor _ in range(5000): output.say('x' * 100)"
    command = f'{sys.executable} -c "{program}" | head -1'
    shell = ("bash", "-c", f"set -o pipefail; {command}")
    done = subprocess.run(shell, check=False, cwd=PROJECT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
