"""The lists of jars, and what happens to a cache that is not whole. Nothing here touches the network."""

import hashlib
from pathlib import Path

import pytest

from deploy.embedded import jars
from deploy.embedded.failures import DownloadFailed
from deploy.embedded.jars import ENDPOINTS, Jar, ensure_jars, read_list

CONTENT = b"a jar"
JAR = Jar("org.example", "thing", "1.0", hashlib.sha256(CONTENT).hexdigest())


class Repository:
    """A Maven repository that serves one content, and counts how often it was asked."""

    def __init__(self, *contents: bytes | OSError) -> None:
        self.contents = list(contents)
        self.asked = 0

    def download(self, jar: Jar, repository: Path) -> Path:
        self.asked += 1
        content = self.contents.pop(0) if len(self.contents) > 1 else self.contents[0]
        if isinstance(content, OSError):
            raise content
        repository.mkdir()
        (repository / jar.filename).write_bytes(content)
        return repository / jar.filename


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch):
    def with_contents(*contents: bytes | OSError) -> Repository:
        repository = Repository(*contents)
        monkeypatch.setattr(jars, "_download", repository.download)
        monkeypatch.setattr(jars, "read_list", lambda _: (JAR,))
        return repository

    return with_contents


@pytest.mark.parametrize("name", ENDPOINTS)
def test_lists_name_each_wanted_artifact_with_a_hash(name: str) -> None:
    listed = {f"{jar.group}:{jar.artifact}:{jar.version}" for jar in read_list(name)}
    assert set(ENDPOINTS[name].split("+")) <= listed
    assert all(len(jar.sha256) == 64 for jar in read_list(name))


def test_file_names_do_not_collide() -> None:
    hashes: dict[str, str] = {}
    for jar in (*read_list("kafka"), *read_list("docstore")):
        assert hashes.setdefault(jar.filename, jar.sha256) == jar.sha256


def test_fetched_once(tmp_path: Path, serve) -> None:
    repository = serve(CONTENT)
    (first,), (again,) = ensure_jars("any", tmp_path), ensure_jars("any", tmp_path)
    assert first == again
    assert first.read_bytes() == CONTENT
    assert repository.asked == 1


def test_torn_file_is_fetched_again(tmp_path: Path, serve) -> None:
    serve(CONTENT)
    (path,) = ensure_jars("any", tmp_path)
    path.write_bytes(CONTENT[:2])
    ensure_jars("any", tmp_path)
    assert path.read_bytes() == CONTENT


def test_what_a_killed_download_left_is_removed(tmp_path: Path, serve) -> None:
    serve(CONTENT)
    leftover = tmp_path / "jars" / "partial-abc" / "thing"
    leftover.mkdir(parents=True)
    (leftover / "thing-1.0.jar").write_bytes(b"a")
    ensure_jars("any", tmp_path)
    assert {path.name for path in (tmp_path / "jars").iterdir()} == {".lock", "thing-1.0.jar"}


def test_a_fault_in_the_middle_is_tried_again(tmp_path: Path, serve) -> None:
    repository = serve(ConnectionResetError("reset"), b"half", CONTENT)
    ensure_jars("any", tmp_path)
    assert repository.asked == 3


def test_wrong_content_never_gets_its_name(tmp_path: Path, serve) -> None:
    serve(b"something else")
    with pytest.raises(DownloadFailed, match=r"thing-1\.0\.jar.*SHA-256"):
        ensure_jars("any", tmp_path)
    assert not (tmp_path / "jars" / "thing-1.0.jar").exists()


def test_no_network_is_said(tmp_path: Path, serve) -> None:
    serve(OSError("no route to host"))
    with pytest.raises(DownloadFailed, match=r"no route to host.*Check the network"):
        ensure_jars("any", tmp_path)
