"""The logic of the pages, which Node runs."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("test", sorted(Path(__file__).parent.glob("*.test.mjs")), ids=lambda test: test.name)
def test_logic(test: Path) -> None:
    node = Path(sys.executable).with_name("node")
    ran = subprocess.run([node, "--test", test], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
