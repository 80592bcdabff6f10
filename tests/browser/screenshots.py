"""Takes the pictures of docs/screenshots: each page with a real recording, on a platform of its own."""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

from deploy.embedded.ports import free_ports
from deploy.embedded.stack import default_cache
from deploy.platform import Platform, running_platform
from tests.browser.browsing import LONG_MS, MEDIA, PHONE, chromium, give_speakers, opened, sign_up, until, upload
from tests.conftest import on_a_thread

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
MOST_BYTES = 150_000
_TITLES = ("Harbour talk: what the tide brings", "Stand-up of Monday", "Reading: A Tale of Two Cities")


def keep(page: Page, name: str) -> None:
    """Stores a picture of what the page shows."""
    page.wait_for_load_state("networkidle")
    page.evaluate("document.activeElement?.blur()")
    target = FOLDER / f"{name}.webp"
    Image.open(io.BytesIO(page.screenshot())).save(target, quality=82, method=6)
    assert target.stat().st_size < MOST_BYTES, f"{target} is too large"
    sys.stdout.write(f"{target.relative_to(FOLDER.parents[1])}: {target.stat().st_size // 1000} KB\n")


def filled(platform: Platform, page: Page) -> str:
    """A library with some recordings; the id of the one to look at."""
    made = [upload(page, MEDIA / name) for name in ("screen-h264.webm", "screen-vp8.webm", "screen-vp8.webm")]
    for recording_id, title in zip(made, reversed(_TITLES), strict=True):
        change = {"title": title, "tags": ["field course"] if recording_id == made[-1] else []}
        page.request.patch(f"/api/v1/recordings/{recording_id}", data=change, headers={"Origin": platform.url})
    give_speakers(platform.services.environment(), made[-1])
    page.request.patch(
        f"/api/v1/recordings/{made[-1]}/transcript",
        data={"speakers": [{"speaker": "Speaker 1", "name": "Ada"}, {"speaker": "Speaker 2", "name": "Bea"}]},
        headers={"Origin": platform.url},
    )
    return made[-1]


def recording(page: Page, recording_id: str) -> None:
    """The page of a recording, in the midst of it."""
    page.goto(f"/recordings/{recording_id}")
    page.locator(".wave .played path").wait_for(state="attached")
    until(page, "document.querySelector('video').readyState > 2")
    page.locator("video").evaluate("video => { video.currentTime = 17.4 }")
    until(page, "(video => !video.seeking && video.readyState > 2)(document.querySelector('video'))")
    page.locator("li[aria-current]").wait_for()


def desk(platform: Platform, page: Page, recording_id: str) -> None:
    """The pictures of a large screen."""
    page.goto("/upload")
    page.locator("#files").set_input_files([MEDIA / "screen-vp8.webm", MEDIA / "screen-h264.webm"])
    page.locator(".steps li").first.wait_for()
    keep(page, "upload")
    page.goto("/")
    page.locator(".card img").first.wait_for()
    keep(page, "library")
    page.goto("/activity")
    page.locator(".line a").first.wait_for()
    keep(page, "activity")
    recording(page, recording_id)
    page.locator(".mark.todo").first.hover()
    page.locator(".bubble img").wait_for()
    keep(page, "recording")
    page.locator(".summary").evaluate("found => scrollTo(0, found.offsetTop - 90)")
    keep(page, "findings")
    page.goto("/record")
    page.get_by_role("button", name="Begin").click()
    page.locator(".said-list .words").nth(2).wait_for(timeout=LONG_MS)
    keep(page, "record")
    page.get_by_role("button", name="Stop and keep").click()
    page.wait_for_url("**/recordings/*")


def others(browser: Browser, platform: Platform, page: Page, recording_id: str) -> None:
    """The dark ones, and those of a telephone."""
    state = page.context.storage_state()
    dark = opened(browser, platform.url, color_scheme="dark", storage_state=state)
    recording(dark, recording_id)
    keep(dark, "recording-dark")
    small = opened(browser, platform.url, color_scheme="dark", storage_state=state, viewport=PHONE)
    small.goto("/")
    small.locator(".card img").first.wait_for()
    keep(small, "library-phone")
    recording(small, recording_id)
    keep(small, "recording-phone")


def main() -> None:
    """Takes all pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as data,
        on_a_thread(running_platform(free_ports(1)[0], Path(data), default_cache(), print)) as platform,
        chromium(Path(data)) as browser,
    ):
        page = opened(browser, platform.url)
        page.goto("/")
        page.get_by_role("heading", name="Sign in").wait_for()
        keep(page, "sign-in")
        sign_up(page, "ada")
        recording_id = filled(platform, page)
        desk(platform, page, recording_id)
        others(browser, platform, page, recording_id)


if __name__ == "__main__":
    main()
