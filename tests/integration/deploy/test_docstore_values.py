"""What the document server writes into its file is what it reads from it, also from a file of an older version."""

import subprocess
import sys
from pathlib import Path

from deploy.embedded.jars import ensure_jars
from deploy.embedded.stack import default_cache


def test_every_value_is_read_as_it_was_written(tmp_path: Path) -> None:
    jars = [str(jar) for jar in ensure_jars("docstore", default_cache())]
    program, file = "tests.integration.deploy.stored_values", str(tmp_path / "documents.mv")

    def run(mode: str) -> str:
        command = [sys.executable, "-m", program, mode, file, *jars]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("before")
    assert run("now").split() == ["True", "False"]  # Java's names of classes: in the older file alone
