"""Whether the worker of this container lives: `python -m deploy.alive`, exit code 0 if so. For its health check.

That its metrics port answers says little, since that is a thread of its own. Its event loop lives if it beat lately.
"""

import os
import re
import sys
import time
import urllib.request

LATELY_SECONDS = 30.0
"""It beats every two seconds, and while it waits for stores at its start every ten or so."""
_ANSWER_SECONDS = 4.0
_SEEN = re.compile(r"^tidemark_worker_seen_seconds ([0-9.e+]+)$", re.MULTILINE)


def beats(port: int) -> bool:
    """Whether the worker whose metrics are on that port of this machine beat lately. Takes four seconds at most."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=_ANSWER_SECONDS) as answer:  # nosec B310
            seen = _SEEN.search(answer.read().decode())
    except OSError:
        return False
    return seen is not None and time.time() - float(seen[1]) < LATELY_SECONDS


if __name__ == "__main__":
    sys.exit(0 if beats(int(os.environ["WORKER_METRICS_PORT"])) else 1)
