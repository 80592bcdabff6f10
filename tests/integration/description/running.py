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
_SECONDS = 280
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

[checks]
positive_data_acceptance.enabled = false  # what fits the schema may still be refused for what it means
"""


class Run:
    """A run that is over: whether it found nothing, and what it said."""

    def __init__(self, code: int, said: str) -> None:
        self.passed = code == 0
        self.said = said


async def schemathesis(
    folder: Path, client: TestClient, *options: str, things: Things | None = None, headers: Mapping[str, str]
) -> Run:
    """Sends what schemathesis makes out of the description to the application, with these headers."""
    settings, known = folder / "schemathesis.toml", folder / "things.json"
    settings.write_text(_configuration(headers))
    known.write_text((things or Things()).to_json())
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


def _configuration(headers: Mapping[str, str]) -> str:
    sent = (f"{json.dumps(name)} = {json.dumps(value)}" for name, value in headers.items())
    return "\n".join((_SETTINGS, "[headers]", *sent))
