"""The document server as a process: it ends as it should, whenever it is told to."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.embedded.jars import ensure_jars
from deploy.embedded.ports import free_ports
from deploy.embedded.stack import default_cache

SECONDS = 60.0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_jvm_starts_ends_it_without_a_crash(number: signal.Signals, tmp_path: Path) -> None:
    jars = [str(jar) for jar in ensure_jars("docstore", default_cache())]
    files = [str(tmp_path / "documents.mv"), str(tmp_path / "ready")]
    command = [sys.executable, "-m", "deploy.embedded.docstore_server", str(free_ports(1)[0]), *files, *jars]
    output = tmp_path / "output"
    with output.open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        maps, until = Path(f"/proc/{server.pid}/maps"), time.monotonic() + SECONDS
        while "libjvm" not in maps.read_text() and time.monotonic() < until:
            time.sleep(0.001)
        while server.poll() is None and time.monotonic() < until:
            server.send_signal(number)
            time.sleep(0.002)
        assert server.poll() in (0, -number), output.read_text()
        assert [path.name for path in tmp_path.iterdir() if "err" in path.name or "crash" in path.name] == []
    finally:
        server.kill()
        server.wait()
