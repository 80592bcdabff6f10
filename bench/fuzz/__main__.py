"""The command: how many cases, how they ended, and which of them must not end so.

    python -m bench.fuzz [--seed N] [--cases N] [--only N] [--keep FOLDER]

Files that end in a way that must not be are kept in FOLDER, and named with the command that repeats them.
"""

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from pathlib import Path

from bench.fuzz.run import CPU_SECONDS, DECODED_BYTES, LIMIT_SECONDS, MEMORY_MB, Case, fuzz
from bench.machine import describe


def main() -> int:
    """Returns 1 when a case ended in a way that must not be."""
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=1200)
    parser.add_argument("--only", type=int, help="the one case of that number")
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir(), "tidemark-fuzz"))
    given = parser.parse_args()
    return asyncio.run(_run(given))


async def _run(given: argparse.Namespace) -> int:
    numbers = range(given.cases) if given.only is None else [given.only]
    limits = f"{MEMORY_MB} MB, {CPU_SECONDS} s of processor, {DECODED_BYTES >> 20} MB decoded, {LIMIT_SECONDS:.0f} s"
    print(f"{describe()}\nseed {given.seed}, {len(numbers)} cases, limits of a child: {limits}")
    cases: list[Case] = []
    async for case in fuzz(given.seed, numbers):
        cases.append(case)
        if given.only is not None:
            print(case.how, case.ending, case.detail)
        if case.wrong:
            _keep(given, case)
    _report(cases)
    return int(any(case.wrong for case in cases))


def _keep(given: argparse.Namespace, case: Case) -> None:
    given.keep.mkdir(parents=True, exist_ok=True)
    kept = given.keep / f"seed-{given.seed}-case-{case.number}"
    kept.write_bytes(case.data)
    print(f"  WRONG {kept}: {case.how}: {case.wrong} {case.ending}", flush=True)


def _report(cases: list[Case]) -> None:
    endings = Counter((name, code) for case in cases for name, code in case.ending.items())
    for (name, code), count in sorted(endings.items(), key=lambda entry: (entry[0][0], -entry[1])):
        print(f"  {name:7} {code:18} {count}")
    longest = max(cases, key=lambda case: case.seconds)
    print(f"  longest {longest.seconds:.1f} s (case {longest.number}: {longest.how})")
    wrong = sum(case.wrong is not None for case in cases)
    print(f"  cases {len(cases)}, wrong {wrong}  (goal 0)")


if __name__ == "__main__":
    sys.exit(main())
