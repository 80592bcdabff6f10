"""Asks the vulnerability service about every locked dependency. A known vulnerability fails.

Where the service cannot be reached nothing can be said about the dependencies: that is told, and is no failure.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LOCK = Path("requirements/development.txt")
SECONDS = 300
UNREACHABLE = "dependency audit: the vulnerability service cannot be reached from here: NOTHING WAS AUDITED"


def main() -> int:
    """Runs pip-audit over the lock file. Returns the exit code."""
    dependencies = ask()
    if dependencies is None:
        return tell(UNREACHABLE, 0)
    asked = [one for one in dependencies if "skip_reason" not in one]
    found = [f"  {one['name']} {one['version']}: {weak['id']}" for one in asked for weak in one["vulns"]]
    if found:
        return tell("dependency audit: known vulnerabilities\n" + "\n".join(found), 1)
    if not asked:
        return tell(UNREACHABLE, 0)
    return tell(f"dependency audit: {len(asked)} of {len(dependencies)} audited, no known vulnerability", 0)


def ask() -> list[dict[str, Any]] | None:
    """What pip-audit says about each dependency; None where it could not ask."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--requirement", str(LOCK)]
    command += ["--format", "json", "--progress-spinner", "off", "--timeout", "5"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return None
    if done.stdout.startswith("{"):
        answer: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
        return answer
    if any(sign in done.stderr for sign in ("ConnectionError", "ConnectTimeout", "ReadTimeout", "ServiceError")):
        return None
    sys.exit(f"dependency audit: pip-audit failed\n{done.stderr}")


def tell(line: str, code: int) -> int:
    """Says it and returns the exit code."""
    sys.stdout.write(f"{line}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
