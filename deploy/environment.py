"""Makes the project's .venv: `python3 deploy/environment.py embedded|development`, with the standard library alone.

Everything that is installed has a pinned hash. What is there already costs nothing: a stamp says for which lock files,
Python and folder it was made. It is written last, and under a lock that the kernel releases: a set-up that was cut off,
or two at once, do not need a person.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
VENV = PROJECT / ".venv"
PYTHON = str(VENV / "bin" / "python")
REQUIREMENTS = PROJECT / "requirements"
PYTHONS = ((3, 11), (3, 12), (3, 13))


class SetUpFailed(Exception):
    """The environment cannot be made. The message says what to do."""


def ensure(name: str) -> None:
    """Brings .venv to what requirements/NAME.txt says. A repeat does nothing. Raises SetUpFailed."""
    if sys.version_info[:2] not in PYTHONS:
        raise SetUpFailed(
            f"Python 3.11, 3.12 or 3.13 is needed, and {sys.executable} is {sys.version.split()[0]}. "
            "Name another one: make PYTHON=python3.12 ..."
        )
    stamp, wanted = VENV / f"{name}.stamp", _fingerprint(name)
    if _says(stamp, wanted):
        return
    folder = os.open(PROJECT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        if not _says(stamp, wanted):
            _install(name)
            stamp.write_text(wanted)
    finally:
        os.close(folder)


def _fingerprint(name: str) -> str:
    digest = hashlib.sha256(f"{sys.version} {PROJECT}".encode())
    for file in (REQUIREMENTS / "bootstrap.txt", REQUIREMENTS / f"{name}.txt", PROJECT / "pyproject.toml"):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _says(stamp: Path, wanted: str) -> bool:
    return stamp.exists() and stamp.read_text() == wanted


def _install(name: str) -> None:
    _say(f"setting up .venv for {name}: this is done once, and takes a minute or two")
    if not _works():
        _create()
    pip = (PYTHON, "-m", "pip", "--disable-pip-version-check", "--quiet")
    uv = (PYTHON, "-m", "uv", "pip", "install", "--quiet", "--python", PYTHON)
    _run(*pip, "install", "--require-hashes", "-r", str(REQUIREMENTS / "bootstrap.txt"))
    _run(*uv, "--require-hashes", "--no-deps", "-r", str(REQUIREMENTS / f"{name}.txt"))
    _run(*uv, "--no-deps", "--no-build-isolation", "--editable", str(PROJECT))


def _works() -> bool:
    """Whether the .venv there is was made by this Python, in this place, to its end."""
    probe = "import sys, pip; print(sys.version, sys.prefix)"
    if not Path(PYTHON).exists():
        return False
    told = subprocess.run([PYTHON, "-c", probe], capture_output=True, text=True, check=False)  # noqa: S603
    return told.stdout.strip() == f"{sys.version} {VENV}"


def _create() -> None:
    shutil.rmtree(VENV, ignore_errors=True)
    try:
        _run(sys.executable, "-m", "venv", str(VENV))
    except SetUpFailed as error:
        raise SetUpFailed(f"{error} On Debian and Ubuntu the package python3-venv is needed for this.") from error


def _run(*command: str) -> None:
    environment = {**os.environ, "UV_NO_PROGRESS": "1", "PYTHONPATH": ""}
    done = subprocess.run(command, cwd=PROJECT, env=environment, check=False)  # noqa: S603 -- our own commands
    if done.returncode:
        raise SetUpFailed(f"This failed with exit code {done.returncode}: {' '.join(command)}\nRun make again.")


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    try:
        ensure(sys.argv[1])
    except SetUpFailed as failure:
        _say(f"make: {failure}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
