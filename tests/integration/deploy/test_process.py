"""Child processes and their guard, on real processes."""

import asyncio
import re
import signal
import sys
from pathlib import Path

import psutil
import pytest

from deploy.embedded.failures import ProcessFailed
from deploy.embedded.guard import LOG_BYTES
from deploy.embedded.process import PROJECT, Child, Program

DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
POLITE = (
    "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit('bye')); "
    "print('up', flush=True); signal.pause()"
)
PARENT = """
import asyncio, os, sys
from pathlib import Path
from deploy.embedded.process import Child, Program
async def main():
    log = Path(sys.argv[1])
    await Child.start(Program("deaf", (sys.executable, "-c", sys.argv[2]), log, grace=600))
    await asyncio.sleep(600)
asyncio.run(main())
"""


def python(code: str, log: Path, grace: float = 5.0) -> Program:
    return Program("thing", (sys.executable, "-c", code), log, grace=grace)


async def until(true, seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 -- it is other processes that are waited for
            await asyncio.sleep(0.02)


async def never(_: float) -> bool:
    return False


async def test_output_goes_to_the_log(tmp_path: Path) -> None:
    child = await Child.start(python("print('hello')", tmp_path / "logs" / "thing.log"))
    await child.succeed(20)
    assert (tmp_path / "logs" / "thing.log").read_text() == "hello\n"


async def test_failure_names_the_log_and_its_end(tmp_path: Path) -> None:
    log = tmp_path / "thing.log"
    child = await Child.start(python("print('no room left'); raise SystemExit(3)", log))
    with pytest.raises(ProcessFailed, match=rf"exit code 3.*{log}.*\n.*no room left"):
        await child.succeed(20)


async def test_death_before_ready_is_told(tmp_path: Path) -> None:
    child = await Child.start(python("raise SystemExit(4)", tmp_path / "log"))
    with pytest.raises(ProcessFailed, match="exit code 4"):
        await child.until_ready(never, 20)


async def test_not_ready_in_time_is_told(tmp_path: Path) -> None:
    child = await Child.start(python(DEAF, tmp_path / "log", grace=0.1))
    with pytest.raises(ProcessFailed, match="not ready"):
        await child.until_ready(never, 0.2)
    await child.stop()


async def test_stop_asks_first(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = await Child.start(python(POLITE, log))
    await until(lambda: log.exists() and "up" in log.read_text())
    await child.stop()
    assert log.read_text() == "up\nbye\n"


async def test_stop_kills_who_does_not_listen_and_its_children(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {DEAF!r}]).pid, flush=True); {DEAF}"
    child = await Child.start(python(code, log, grace=0.2))
    await until(lambda: log.exists() and log.read_text().count("deaf") == 2)
    await child.stop()
    grandchild = int(log.read_text().split()[0])
    await until(lambda: not psutil.pid_exists(grandchild))
    assert await child.ended() == 128 + signal.SIGKILL


async def test_nothing_outlives_a_parent_that_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = (sys.executable, "-c", PARENT, str(log), DEAF)
    parent = await asyncio.create_subprocess_exec(*command, cwd=PROJECT)
    await until(lambda: log.exists() and "deaf" in log.read_text())
    family = psutil.Process(parent.pid).children(recursive=True)
    assert len(family) == 2, "the guard and its child"
    parent.kill()
    await parent.wait()
    await until(lambda: not any(one.is_running() for one in family), 10)


async def test_nothing_of_its_session_outlives_a_program(tmp_path: Path) -> None:
    """Not even what has a group of its own and is stopped, and so hears of nothing."""
    log = tmp_path / "log"
    apart = f"[sys.executable, '-c', {DEAF!r}], process_group=0"
    child = await Child.start(python(f"import subprocess, sys; print(subprocess.Popen({apart}).pid); {DEAF}", log))
    await until(lambda: log.exists() and log.read_text().count("deaf") == 2)
    grandchild = psutil.Process(int(log.read_text().replace("deaf", "").split()[0]))
    grandchild.suspend()
    psutil.Process(child.pid).kill()
    assert await child.ended() == 128 + signal.SIGKILL
    await until(lambda: not grandchild.is_running())


async def test_one_that_is_stopped_still_ends_when_it_is_asked_to(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = await Child.start(python(POLITE, log))
    await until(lambda: log.exists() and "up" in log.read_text())
    psutil.Process(child.pid).suspend()
    await child.stop()
    assert log.read_text() == "up\nbye\n"


async def test_killing_one_that_does_not_listen(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = await Child.start(python(DEAF, log, grace=600))
    await until(lambda: log.exists() and "deaf" in log.read_text())
    await child.kill()
    await child.kill()
    assert not child.running
    assert re.match(r"thing was killed by SIGKILL\. Its log is .*log, which ends with:\n    deaf", child.explain())


async def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    child = await Child.start(Program("thing", (str(tmp_path / "nothing"),), tmp_path / "log"))
    with pytest.raises(ProcessFailed, match=r"(?s)exit code 127.*nothing cannot be started: No such file"):
        await child.succeed(20)
    await child.kill()


async def test_nothing_outlives_a_guard_that_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    before = set(psutil.Process().children())
    child = await Child.start(python(DEAF, log))
    await until(lambda: log.exists() and "deaf" in log.read_text())
    (guard,) = set(psutil.Process().children()) - before
    (deaf,) = guard.children()
    guard.kill()
    assert await child.ended() == -signal.SIGKILL
    await until(lambda: not deaf.is_running())


async def test_log_is_cut_over(tmp_path: Path) -> None:
    code = "import sys; [sys.stdout.write('x' * 99_999 + chr(10)) for _ in range(150)]"
    child = await Child.start(python(code, tmp_path / "log"))
    await child.succeed(20)
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == 2
    assert all(size <= LOG_BYTES for size in sizes)
