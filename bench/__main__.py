"""`python -m bench`: every benchmark, one after another. `python -m bench.NAME` runs one."""

import subprocess
import sys

NAMES = (
    *("media", "first_words", "overhead", "memory", "takeover", "dispatch", "ingest"),
    *("listing", "tus", "live", "fanout", "first_paint"),
)


def main() -> int:
    """Runs each in a process of its own. Returns the highest exit code."""
    codes = []
    for name in NAMES:
        print(f"\n== bench.{name}", flush=True)
        codes.append(subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode)
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
