"""The jars of the embedded servers: listed with their hashes in jars/*.txt, fetched from Maven Central once.

Layout of the cache: CACHE/jars/ARTIFACT-VERSION.jar. A file gets its name only when it is whole and its hash is right,
and every start looks at the hashes again: a torn download, a full disk, a file that rotted mend themselves.
`python -m deploy.embedded.jars` (make lock) writes the lists anew.
"""

import hashlib
import logging
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.failures import DownloadFailed
from deploy.embedded.locks import waiting_lock

LISTS = Path(__file__).parent / "jars"
ENDPOINTS = {
    "kafka": "org.apache.kafka:kafka_2.13:4.1.1+org.slf4j:slf4j-simple:1.7.36",
    "docstore": (
        "de.bwaldvogel:mongo-java-server:1.47.0+de.bwaldvogel:mongo-java-server-h2-backend:1.47.0"
        "+org.slf4j:slf4j-simple:2.0.17"
    ),
}
ATTEMPTS = 3
CONNECTIONS = 6


@dataclass(frozen=True)
class Jar:
    """One artifact of Maven Central, and the SHA-256 of its jar."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def filename(self) -> str:
        """Its name in the cache."""
        return f"{self.artifact}-{self.version}.jar"


def ensure_jars(name: str, cache: Path) -> tuple[Path, ...]:
    """The jars of one list, whole, in the list's order; fetches those that are missing or damaged.

    Blocks, also while another process fetches into the same cache. A repeat only reads. Raises DownloadFailed.
    """
    folder = cache.absolute() / "jars"
    jars = read_list(name)
    with waiting_lock(folder / ".lock"):
        _remove_leftovers(folder)
        missing = [jar for jar in jars if not _is_whole(folder / jar.filename, jar)]
        if missing:
            _fetch_all(missing, folder)
    return tuple(folder / jar.filename for jar in jars)


def read_list(name: str) -> tuple[Jar, ...]:
    """The jars that jars/NAME.txt names."""
    lines = (LISTS / f"{name}.txt").read_text().splitlines()
    return tuple(Jar(*line.replace(" ", ":").split(":")) for line in lines if line and not line.startswith("#"))


def _is_whole(path: Path, jar: Jar) -> bool:
    return path.is_file() and _sha256(path) == jar.sha256


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remove_leftovers(folder: Path) -> None:
    """What a killed process left behind; under the lock nobody else's work is there."""
    for leftover in folder.glob("partial-*"):
        shutil.rmtree(leftover)


def _fetch_all(jars: Iterable[Jar], folder: Path) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="partial-", dir=folder) as partial,
        ThreadPoolExecutor(CONNECTIONS) as threads,
    ):
        for done in [threads.submit(_fetch, jar, Path(partial), folder) for jar in jars]:
            try:
                done.result()
            except BaseException:
                threads.shutdown(cancel_futures=True)
                raise


def _fetch(jar: Jar, partial: Path, folder: Path) -> None:
    problem = ""
    for attempt in range(ATTEMPTS):
        try:
            path = _download(jar, partial / f"{jar.filename}-{attempt}")
        except (OSError, RuntimeError) as error:  # requests' own errors are OSErrors
            problem = str(error)
            continue
        if _is_whole(path, jar):
            path.replace(folder / jar.filename)
            return
        problem = "its SHA-256 is not the one that is expected"
    raise DownloadFailed(
        f"{jar.filename} could not be fetched from Maven Central: {problem}. "
        "Check the network (and REQUESTS_CA_BUNDLE behind a proxy) and run the same command again."
    )


def _download(jar: Jar, repository: Path) -> Path:
    from jgo.maven import MavenContext  # only where something is missing: the import costs 0.3 s

    context = MavenContext(repo_cache=repository)
    path: Path = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
    return path


def _write_lists() -> None:
    with tempfile.TemporaryDirectory() as place:
        for name, endpoint in ENDPOINTS.items():
            lines = sorted(_resolve(endpoint, Path(place)))
            (LISTS / f"{name}.txt").write_text("# Made by `make lock`.\n" + "".join(f"{line}\n" for line in lines))


def _resolve(endpoint: str, repository: Path) -> Iterator[str]:
    """Each jar of the endpoint as a line, with all that it depends on at run time."""
    from jgo.maven import MavenContext
    from jgo.parse import Endpoint

    context = MavenContext(repo_cache=repository)
    wanted = [context.create_dependency(coordinate) for coordinate in Endpoint.parse(endpoint).coordinates]
    given, transitive = context.resolver.resolve(wanted)
    for dependency in [*given, *(one for one in transitive if one.scope in ("compile", "runtime"))]:
        artifact = dependency.artifact
        yield f"{artifact.groupId}:{artifact.artifactId}:{artifact.version} {_sha256(artifact.resolve())}"


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    _write_lists()
