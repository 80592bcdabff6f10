"""A person at a browser: real Chromium, with a screen and a microphone that are made up."""

import asyncio
import json
import shutil
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Any

import av
from playwright.sync_api import Browser, Page, sync_playwright

from schemas.analyses import ActionItem, ActionItems, Citation
from schemas.settings import Settings
from stores.analyses import AnalysesStore
from stores.documents import connect, disconnect
from stores.transcripts import Transcripts

MEDIA = Path(__file__).parents[1] / "media"
TALK = MEDIA / "screen-vp8.webm"
SENTENCE = "correct horse battery"
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 375, "height": 780}
LONG_MS = 120_000
"""For what a worker has to do before."""
_NEWEST = "job/99999999"
_OPTIONS = (
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"),
    *("--disable-component-update", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"),
    "--auto-select-desktop-capture-source=Entire screen",
)


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """The browser that the system has: `chromium`, or `google-chrome`. Its microphone hears a reading, on and on."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        raise FileNotFoundError("Chromium is needed for this: apt-get install chromium")
    with sync_playwright() as playwright:
        heard = f"--use-file-for-fake-audio-capture={_reading(folder / 'reading.wav')}"
        browser = playwright.chromium.launch(executable_path=path, args=[*_OPTIONS, heard])
        yield browser
        browser.close()


def _reading(target: Path) -> Path:
    with av.open(str(TALK)) as talk, av.open(str(target), "w") as file:
        stream = file.add_stream("pcm_s16le", rate=48_000, layout="mono")
        resampler = av.AudioResampler("s16", "mono", 48_000)
        for frame in chain(talk.decode(audio=0), (None,)):
            for sound in resampler.resample(frame):
                file.mux(stream.encode(sound))
        file.mux(stream.encode(None))
    return target


def opened(browser: Browser, url: str, **options: Any) -> Page:
    """A page of a new person. What its console calls an error is an error; refusals that pages expect are not."""
    context = browser.new_context(base_url=url, **{"viewport": DESK, "permissions": ["microphone"], **options})
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.errors = []  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.errors.append(str(error)))  # type: ignore[attr-defined]
    page.on("console", lambda said: _note(page, said))
    return page


def _note(page: Page, said: Any) -> None:
    expected = ("Failed to load resource", "Permissions policy violation: camera", "WebSocket connection to")
    if said.type == "error" and not any(part in said.text for part in expected):
        page.errors.append(said.text)  # type: ignore[attr-defined]


def sign_up(page: Page, name: str) -> None:
    """Makes an account by the page, and arrives at the library."""
    page.goto("/")
    page.get_by_role("button", name="Make an account").click()
    page.get_by_label("User name").fill(name)
    page.get_by_label("Email address").fill(f"{name}@example.org")
    page.get_by_label("Password").fill(SENTENCE)
    page.get_by_role("button", name="Make the account").click()
    page.get_by_role("heading", name="Your library is empty").wait_for()


def upload(page: Page, file: Path = TALK) -> str:
    """Sends a file by the page and waits for its last step; the recording's id."""
    page.goto("/upload")
    page.locator("#files").set_input_files(file)
    page.locator(".line", has_text=file.name).get_by_text("· ready").wait_for(timeout=LONG_MS)
    return str(page.get_by_role("link", name="Open").get_attribute("href")).rsplit("/", 1)[-1]


def until(page: Page, expression: str, seconds: float = 20) -> None:
    """Returns when the expression is true there. Playwright's own wait evaluates in the page: the policy forbids it."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"it never came true: {expression}"
        page.wait_for_timeout(50)


def findings(page: Page) -> list[str]:
    """What axe calls serious or critical on the page as it is."""
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        json.dumps([issue["id"], [node["html"][:120] for node in issue["nodes"]]])
        for issue in found
        if issue["impact"] in ("serious", "critical")
    ]


def give_speakers(environment: Mapping[str, str], recording_id: str) -> None:
    """What a speech engine that tells voices apart would have made of the recording, with something to be done."""
    with ThreadPoolExecutor(1) as thread:  # this one's loop is Playwright's
        thread.submit(asyncio.run, _speakers(environment, recording_id)).result()


async def _speakers(environment: Mapping[str, str], recording_id: str) -> None:
    database = connect(Settings.model_validate({name.lower(): value for name, value in environment.items()}))
    try:
        transcripts, analyses = Transcripts(database), AnalysesStore(database)
        heard, found = await transcripts.get(recording_id), await analyses.get(recording_id)
        assert heard is not None
        assert found is not None
        told = [
            segment.model_copy(update={"speaker": f"Speaker {1 + segment.id // 4 % 2}"}) for segment in heard.segments
        ]
        await transcripts.begin(recording_id, _NEWEST, "test")
        await transcripts.write(recording_id, _NEWEST, 0, told)
        await transcripts.finish(recording_id, _NEWEST, "test", "en")
        cited = (Citation(start=told[3].start, end=told[3].end, segment_id=told[3].id),)
        items = (
            ActionItem(
                text="Send the tide tables to Bea", at=told[3].start, owner="Ada", due="by Friday", citations=cited
            ),
            ActionItem(text="Book the boat for the next slack water", at=told[6].start, owner="Bea", citations=cited),
        )
        todo = ActionItems(items=items, provider="test", citations=cited)
        await analyses.put(recording_id, _NEWEST, found.model_copy(update={"action_items": todo}))
    finally:
        disconnect(database)
