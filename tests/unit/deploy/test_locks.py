"""Locks that the kernel releases."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.embedded.failures import InUse
from deploy.embedded.locks import owner_lock

HOLD = "import fcntl, sys; fcntl.flock(int(sys.argv[1]), fcntl.LOCK_EX); print(flush=True); sys.stdin.read()"


async def test_second_owner_is_refused_by_name(tmp_path: Path) -> None:
    async with owner_lock(tmp_path / "lock", 5):
        with pytest.raises(InUse, match=f"process {os.getpid()}"):
            async with owner_lock(tmp_path / "lock", 5):
                raise AssertionError("two owners")


async def test_can_be_had_again(tmp_path: Path) -> None:
    for _ in range(2):
        async with owner_lock(tmp_path / "lock", 0):
            assert (tmp_path / "lock").read_text() == str(os.getpid())


async def test_left_behind_file_means_nothing(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("1")  # a process that lives, but does not hold it
    async with owner_lock(tmp_path / "lock", 0):
        assert (tmp_path / "lock").read_text() == str(os.getpid())


async def test_waits_for_the_children_of_a_dead_owner(tmp_path: Path) -> None:
    with _holder(tmp_path / "lock") as child:
        child.stdout.readline()
        with pytest.raises(InUse):
            async with owner_lock(tmp_path / "lock", 0.3):
                raise AssertionError("the child still holds it")
        child.kill()
        async with owner_lock(tmp_path / "lock", 5):
            assert child.wait() == -9


def _holder(path: Path) -> "subprocess.Popen[bytes]":
    with path.open("w") as file:
        return subprocess.Popen(
            [sys.executable, "-c", HOLD, str(file.fileno())],
            pass_fds=[file.fileno()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
