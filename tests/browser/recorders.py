"""A real Chromium with the extension in it, whose profile outlives it."""

import base64
import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import psutil
from playwright.async_api import BrowserContext, Page, Playwright

from deploy.embedded.process import PROJECT

EXTENSION = PROJECT / "extension"
PATIENCE_MS = 30_000
ACCEPTING = (
    "--no-sandbox",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--auto-select-desktop-capture-source=Entire screen",
    "--autoplay-policy=no-user-gesture-required",
)
"""Of a person who says yes whenever the browser asks; the screen, its sound and the microphone are made up."""
REFUSING = ("--no-sandbox", "--use-fake-ui-for-media-stream=deny", "--use-fake-device-for-media-stream")
"""Of a person who says no whenever the browser asks."""

_CHUNKS = """async () => {
  const { openQueue } = await import("./queue.js");
  const queue = await openQueue();
  const chunks = await queue.read(["chunks"], ({ chunks }) => new Promise((resolve) => {
    const all = chunks.getAll();
    all.onsuccess = () => resolve(all.result);
  }));
  queue.database.close();
  const base64 = (bytes) => btoa(Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join(""));
  return chunks.map(({ start, bytes }) => [start, base64(bytes)]);
}"""


class Recorder:
    """The browser of somebody who records. It may speak to `server` from the start: no test can click that prompt."""

    def __init__(self, playwright: Playwright, folder: Path, server: str, flags: tuple[str, ...] = ACCEPTING) -> None:
        self._playwright = playwright
        self._flags = flags
        self._profile = folder / "profile"
        self._extension = folder / "extension"
        shutil.copytree(EXTENSION, self._extension)
        manifest = json.loads((EXTENSION / "manifest.json").read_text())
        manifest["host_permissions"] = [f"{server}/*"]
        (self._extension / "manifest.json").write_text(json.dumps(manifest))
        self._context: BrowserContext | None = None
        self._id = ""

    async def start(self) -> None:
        """Starts it, as it was left."""
        self._context = await self._playwright.chromium.launch_persistent_context(
            str(self._profile),
            executable_path="/usr/bin/chromium",
            args=[
                *self._flags,
                f"--disable-extensions-except={self._extension}",
                f"--load-extension={self._extension}",
            ],
        )
        workers = self._context.service_workers or [await self._context.wait_for_event("serviceworker")]
        self._id = workers[0].url.split("/")[2]

    async def page(self, name: str) -> Page:
        """One of the extension's pages."""
        assert self._context
        page = await self._context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        await page.goto(f"chrome-extension://{self._id}/{name}")
        return page

    async def chunks(self) -> list[tuple[int, bytes]]:
        """What is on disk: where each chunk begins, and its bytes."""
        page = await self.page("options.html")
        found: list[list[Any]] = await page.evaluate(_CHUNKS)
        await page.close()
        return [(start, base64.b64decode(text)) for start, text in found]

    async def suspend_service_worker(self, page: Page) -> None:
        """What the browser does with one that has nothing to do."""
        assert self._context
        devtools = await self._context.new_cdp_session(page)
        await devtools.send("ServiceWorker.enable")
        await devtools.send("ServiceWorker.stopAllWorkers")
        await devtools.detach()

    async def kill(self) -> None:
        """Ends it as a loss of power does."""
        assert self._context
        async with self._context.expect_event("close"):  # to close it would race with the loss that is noticed
            os.kill(self._pid(), signal.SIGKILL)
        self._context = None

    def _pid(self) -> int:
        """The browser's own process: the one with this profile that is no child of another such."""
        mine = f"--user-data-dir={self._profile}"
        for process in psutil.Process().children(recursive=True):
            command = process.cmdline()
            if mine in command and not any(argument.startswith("--type=") for argument in command):
                return process.pid
        raise AssertionError("the browser does not run")

    async def close(self) -> None:
        if self._context:
            await self._context.close()
