"""`python -m bench.chaos`: the arguments, the run, the table, the exit code."""

import argparse
import asyncio
import contextlib
import shutil
import sys
import tempfile
import time
from pathlib import Path

from bench.chaos.plan import Blow
from bench.chaos.report import Report
from bench.chaos.run import Options, chaos
from bench.chaos.striker import TARGETS
from bench.machine import describe
from deploy.embedded.failures import EmbeddedError

JOBS, MINUTES, SEED = 150, 15.0, 1859


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description="The proof by chaos.")
    parser.add_argument("--jobs", type=int, default=JOBS, help=f"how many recordings are sent ({JOBS})")
    parser.add_argument("--minutes", type=float, default=MINUTES, help=f"over how many minutes ({MINUTES:g})")
    parser.add_argument("--seed", type=int, default=SEED, help="what everything is drawn from: the same, the same plan")
    parser.add_argument("--data", type=Path, help="an empty folder to keep everything in; without: a temporary one")
    parser.add_argument("--target", action="append", choices=TARGETS, help="strike these alone; may be repeated")
    parser.add_argument("--blow", action="append", choices=list(Blow), type=Blow, help="with these alone")
    return parser


def main() -> int:
    """Runs it. 0 if there is no fault."""
    given = _parser().parse_args()
    print(describe())
    print(f"seed {given.seed}, {given.jobs} jobs over {given.minutes:g} minutes, two workers of all stages")
    data = given.data or Path(tempfile.mkdtemp(prefix="tidemark-chaos-"))
    options = Options(
        seed=given.seed,
        jobs=given.jobs,
        seconds=given.minutes * 60,
        data=data,
        targets=tuple(given.target or TARGETS),
        blows=tuple(given.blow or Blow),
    )
    report = _told(options)
    if report and report.clean and not given.data:
        shutil.rmtree(data)
    else:
        print(f"seed {given.seed}; everything, with the logs, is in {data}")
    return 0 if report and report.clean else 1


def _told(options: Options) -> Report | None:
    started = time.monotonic()

    def say(line: str) -> None:
        seconds = int(time.monotonic() - started)
        print(f"{seconds // 60:3d}:{seconds % 60:02d} {line}", flush=True)

    try:
        with contextlib.suppress(KeyboardInterrupt):
            report = asyncio.run(chaos(options, say))
            print("\n".join(("", *report.lines(), *report.faults())))
            return report
    except EmbeddedError as error:
        print(error)
    return None


if __name__ == "__main__":
    sys.exit(main())
