"""How soon the Library is seen with a thousand recordings, and how many bytes it takes, in real Chromium on loopback.

Each visit is a new browser context that has nothing in its cache: from the beginning of the navigation to the first
contentful paint, and to the first card with a recording's title. Bytes are those of all bodies, as they were sent.
"""

import argparse
import asyncio
import shutil
import statistics
import sys
from typing import NamedTuple

from playwright.async_api import Browser, Request, async_playwright

from bench.ingest import caller, system
from bench.listing import fill
from bench.machine import describe
from deploy.embedded.ports import HOST, free_ports
from deploy.embedded.process import python_module

MOST_SECONDS, MOST_BYTES = 1.0, 200_000
_VISITS = 10
_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


class Visit(NamedTuple):
    """Milliseconds to the first paint and to the first card, and the bytes of all bodies."""

    paint: float
    card: float
    size: int


async def visit(browser: Browser, url: str, token: str) -> Visit:
    """One visit of somebody whose browser has never been there."""
    context = await browser.new_context(base_url=url, viewport={"width": 1280, "height": 800})
    await context.add_cookies([{"name": "__session", "value": token, "url": url, "httpOnly": True}])
    page, done = await context.new_page(), list[Request]()
    page.on("requestfinished", lambda request: done.append(request))  # noqa: PLW0108 - Playwright marks what it is given
    await page.goto("/")
    await page.locator(".card h2").first.wait_for()
    card = await page.evaluate("performance.now()")
    await page.wait_for_load_state("networkidle")
    paint = await page.evaluate(_PAINT)
    size = sum([(await request.sizes())["responseBodySize"] for request in done])
    await context.close()
    return Visit(paint, card, size)


async def visits(count: int) -> list[Visit]:
    """Visits of a library with so many recordings; the first, which warms the server up, is left out."""
    (port,) = free_ports(1)
    path = shutil.which("chromium")
    if path is None:
        raise FileNotFoundError("Chromium is needed for this: apt-get install chromium")
    async with system() as running, async_playwright() as playwright:
        await running.start("API", port, python_module("deploy.cli", "api"))
        owner_id, token = await caller(port)
        await fill(running.settings, owner_id, count)
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = await playwright.chromium.launch(executable_path=path, args=options)
        found = [await visit(browser, f"http://{HOST}:{port}", token) for _ in range(1 + _VISITS)]
        await browser.close()
    return found[1:]


def main() -> int:
    """Prints the figures; 1 where they are not what is promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=int, default=1000)
    found = asyncio.run(visits(parser.parse_args().recordings))
    paint, card = (statistics.median(times) for times in ([v.paint for v in found], [v.card for v in found]))
    worst, size = max(v.card for v in found), max(v.size for v in found)
    print(describe())
    print(f"first paint {paint:.0f} ms, first card {card:.0f} ms (median of {_VISITS}), {worst:.0f} ms at most")
    print(f"{size / 1000:.1f} KB in all")
    return int(worst > 1000 * MOST_SECONDS or size > MOST_BYTES)


if __name__ == "__main__":
    sys.exit(main())
