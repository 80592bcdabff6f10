"""What the peers of the figures stand on: environments of their own in .cache/bench, and a Redis."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.embedded.ports import HOST, free_ports
from deploy.embedded.process import PROJECT

CELERY = ("celery==5.7.0", "redis==8.1.0", "hiredis==3.3.0", "packaging==26.3")


def environment(name: str, packages: tuple[str, ...]) -> Path:
    """The Python of an environment with those packages; it is made the first time."""
    home = PROJECT / ".cache" / "bench" / name
    python = home / "bin" / "python"
    if not python.exists():
        uv = Path(sys.executable).with_name("uv")
        subprocess.run([str(uv), "venv", "--quiet", str(home)], check=True)
        whole = ("--no-config", "--quiet")  # this project's configuration leaves packages out
        subprocess.run([str(uv), "pip", "install", *whole, "--python", str(python), *packages], check=True)
    return python


async def installed(peer: Path) -> Path:
    """A copy of a peer's folder in .cache/bench, with the packages of its lock file; they come the first time."""
    home = PROJECT / ".cache" / "bench" / peer.name
    home.mkdir(parents=True, exist_ok=True)
    lock = home / "package-lock.json"
    fresh = lock.exists() and lock.read_bytes() == (peer / "package-lock.json").read_bytes()
    for file in peer.iterdir():
        shutil.copy(file, home)
    if fresh and (home / "node_modules" / ".package-lock.json").exists():
        return home
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "NODE_OPTIONS": "--use-system-ca"}
    npm = await asyncio.create_subprocess_exec(
        tool("npm"), "ci", "--no-audit", "--no-fund", "--loglevel=error", cwd=home, env=environment
    )
    if await npm.wait():
        raise RuntimeError("npm could not install the peer")
    return home


def tool(name: str) -> str:
    """The path of a program of this environment."""
    return str(Path(sys.executable).with_name(name))


@contextmanager
def redis() -> Iterator[str]:
    """The address of a Redis with an append-only file."""
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="tidemark-bench-") as folder:
        place = ["--port", str(port), "--bind", HOST, "--dir", folder]
        server = subprocess.Popen(
            ["redis-server", *place, "--appendonly", "yes", "--save", ""], stdout=subprocess.DEVNULL
        )
        try:
            yield f"redis://{HOST}:{port}"
        finally:
            server.terminate()
            server.wait()
