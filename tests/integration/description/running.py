"""Runs schemathesis over the description of an API that runs: the same requests every time."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from aiohttp.test_utils import TestClient

from tests.integration.description.things import Things

_ROOT = Path(__file__).parents[3]
_SECONDS = 420
_LOG_OUT = "/api/v1/auth/logout"
_SETTINGS = """
hooks = "tests.integration.description.hooks"
continue-on-failure = true
max-stream-events = 1
request-timeout = 20
warnings = false

[cache]
enabled = false

[analysis.constants]
enabled = false

[generation]
deterministic = true
database = "none"
no-shrink = true

[[operations]]
include-operation-id-regex = "_alias$"  # the same handlers as at the addresses of our own, which get everything
phases.coverage.enabled = false

[checks]
positive_data_acceptance.enabled = false  # what fits the schema may still be refused for what it means
negative_data_rejection.expected-statuses = [
  "400", "401", "403", "404", "405", "409", "412", "413", "415", "422", "429"
]
missing_required_header.expected-statuses = ["400", "401", "403", "404", "405", "409", "412", "415", "422", "429"]
"""


NOTHING = Things()


class Run:
    """A run that is over: whether it found nothing, and what it said."""

    def __init__(self, code: int, said: str) -> None:
        self.passed = code == 0
        self.said = said


async def schemathesis(
    folder: Path, client: TestClient, *options: str, headers: Mapping[str, str], things: Things = NOTHING
) -> Run:
    """Sends what schemathesis makes out of the description to the application, with these headers."""
    settings, known = folder / "schemathesis.toml", folder / "things.json"
    settings.write_text(_configuration(headers, things))
    known.write_text(things.to_json())
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings)),
        *("run", str(client.make_url("/openapi.json")), "--no-color", *options),
        cwd=_ROOT,
        env={**os.environ, "THINGS": str(known), "HYPOTHESIS_STORAGE_DIRECTORY": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(_SECONDS):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Run(process.returncode or 0, said.decode())


def _configuration(headers: Mapping[str, str], things: Things) -> str:
    return "\n".join((_SETTINGS, *_headers("headers", headers), *_ending(things)))


def _headers(table: str, headers: Mapping[str, str]) -> list[str]:
    return [f"[{table}]", *(f"{json.dumps(name)} = {json.dumps(value)}" for name, value in headers.items())]


def _ending(things: Things) -> list[str]:
    """What ends a session is asked for another one: the rest is to be asked by somebody who is signed in."""
    headers = [_headers("operations.headers", {"Authorization": f"Bearer {token}"}) for token in things.sessions]
    return [line for lines in headers for line in ("[[operations]]", f'include-path = "{_LOG_OUT}"', *lines)]
