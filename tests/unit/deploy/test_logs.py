"""The log: one JSON object a line, ours and the libraries', with the request's id; errors with their trace."""

import json
import subprocess
import sys

PROGRAM = """
import logging, structlog
from deploy.logs import configure_logging
from schemas.settings import Settings
configure_logging(Settings(log_format="json", log_level="info"))
log = structlog.get_logger("ours")
with structlog.contextvars.bound_contextvars(request_id="r-1"):
    log.debug("too fine")
    log.info("accepted", job_id="j-1")
    logging.getLogger("theirs").warning("from a library")
    try:
        1 / 0
    except ZeroDivisionError:
        log.exception("broken")
logging.getLogger("aiokafka").error("again and again")
"""


def test_every_line_is_one_object_with_the_requests_id() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60)
    lines = [json.loads(line) for line in ran.stderr.splitlines()]
    assert [line["event"] for line in lines] == ["accepted", "from a library", "broken"]
    assert {line["request_id"] for line in lines} == {"r-1"}
    assert [line["level"] for line in lines] == ["info", "warning", "error"]
    assert lines[0]["job_id"] == "j-1"
    assert "ZeroDivisionError" in lines[2]["exception"]


LEAK = """
import structlog
from deploy.logs import configure_logging
from schemas.settings import Settings
for log_format in ("console", "json"):
    configure_logging(Settings(log_format=log_format))
    try:
        key = "".join(["tell", "-no", "-one"])
        1 / 0
    except ZeroDivisionError:
        structlog.get_logger("ours").exception("broken")
"""


def test_a_trace_shows_no_values() -> None:
    ran = subprocess.run([sys.executable, "-c", LEAK], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stderr.count("ZeroDivisionError") >= 2
    assert "tell-no-one" not in ran.stderr
