"""What a person does with the pages, from signing in to signing out."""

import base64
import json
import os
import re
import signal
from collections.abc import Iterable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, WebSocket, expect

from deploy.platform import Platform
from tests.browser.browsing import LONG_MS, MEDIA, PHONE, SENTENCE, findings, opened, until

PAGES = ("/", "/?q=nowhere", "/upload", "/record", "/activity", "/recordings/{id}")
pytestmark = pytest.mark.timeout(170)


def test_an_upload_that_breaks_off_goes_on_after_a_reload(page: Page, recording: str) -> None:
    sent: list[int] = []

    def first_only(route: Route) -> None:
        sent.append(int(route.request.headers["upload-offset"]))
        route.continue_() if len(sent) == 1 else route.abort()

    page.goto("/upload")
    page.route(
        "**/api/v1/uploads/*", lambda route: first_only(route) if route.request.method == "PATCH" else route.continue_()
    )
    page.locator("#files").set_input_files(MEDIA / "screen-h264.webm")
    page.get_by_text("the connection broke").wait_for()
    page.reload()
    page.get_by_text("screen-h264.webm").wait_for()
    page.unroute_all(behavior="ignoreErrors")
    with page.expect_request(lambda request: request.method == "PATCH") as going_on:
        page.locator("#files").set_input_files(MEDIA / "screen-h264.webm")
    assert int(going_on.value.headers["upload-offset"]) > 0
    page.get_by_text("· ready").wait_for(timeout=LONG_MS)
    expect(page.locator(".steps li", has_text="Done")).to_have_count(4)


def test_the_library_is_searched_and_remembers_what_was_asked(page: Page, recording: str) -> None:
    page.goto("/")
    page.get_by_role("link", name="screen-vp8").wait_for()
    page.get_by_label("Search titles").fill("no such thing")
    page.get_by_role("heading", name="Nothing found").wait_for()
    page.reload()
    expect(page.get_by_label("Search titles")).to_have_value("no such thing")
    page.get_by_role("link", name="Show everything").click()
    page.get_by_role("link", name="screen-vp8").click()
    expect(page).to_have_url(re.compile(f"/recordings/{recording}$"))


DROP = """([place, files]) => {
  const given = new DataTransfer();
  for (const [name, type, bytes] of files) {
    given.items.add(new File([Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0))], name, { type }));
  }
  place.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: given }));
}"""


def drop(page: Page, **files: tuple[str, bytes]) -> None:
    """Drops files on the page: what each is called, its type and its bytes."""
    given = [[name, kind, base64.b64encode(content).decode()] for name, (kind, content) in files.items()]
    page.evaluate(DROP, [page.locator(".drop").element_handle(), given])


def test_a_dropped_file_is_paused_and_outlives_a_network_that_is_away(page: Page) -> None:
    page.goto("/upload")
    page.route("**/api/v1/uploads/*", held)
    with page.expect_request(lambda request: request.method == "PATCH"):
        drop(page, dropped=("video/webm", (MEDIA / "screen-h264.webm").read_bytes()))
    line = page.locator(".line", has_text="dropped")
    line.get_by_role("button", name="Pause").click()
    expect(line.get_by_text("· paused")).to_be_visible()
    page.unroute_all(behavior="ignoreErrors")
    page.context.set_offline(True)
    line.get_by_role("button", name="Go on").click()
    expect(line.get_by_text("no network, goes on by itself")).to_be_visible()
    assert findings(page) == []
    page.context.set_offline(False)
    expect(line.get_by_role("link", name="Open")).to_be_visible()


def test_files_that_cannot_be_taken_are_told_apart(page: Page) -> None:
    page.goto("/upload")
    page.route("**/api/v1/uploads", limited)
    drop(page, letter=("application/pdf", b"%PDF-1.7"), nothing=("video/mp4", b""), long=("video/mp4", bytes(3000)))
    expect(page.locator(".line", has_text="letter").get_by_role("alert")).to_contain_text("neither video nor sound")
    expect(page.locator(".line", has_text="nothing").get_by_role("alert")).to_have_text("This file is empty.")
    expect(page.locator(".line", has_text="long").get_by_role("alert")).to_contain_text("at most 1.0 KB are taken here")
    page.unroute_all(behavior="ignoreErrors")
    drop(page, mislabelled=("video/mp4", b"\x00 no video at all" * 100))
    expect(page.locator(".line", has_text="mislabelled").get_by_role("alert")).to_contain_text(
        "neither audio nor video"
    )
    assert findings(page) == []


def held(route: Route) -> None:
    """Lets no bytes through, nor says that it does not."""
    if route.request.method != "PATCH":
        route.continue_()


def limited(route: Route) -> None:
    if route.request.method == "OPTIONS":
        route.fulfill(status=204, headers={"Tus-Max-Size": "1000"})
    else:
        route.continue_()


def sockets_of(page: Page) -> list[list[dict[str, Any]]]:
    """What each websocket that the page opens from now on says."""
    opened: list[list[dict[str, Any]]] = []

    def note(socket: WebSocket) -> None:
        opened.append(said := [])
        socket.on("framesent", lambda frame: said.append(json.loads(frame)))

    page.on("websocket", note)
    return opened


def file_in(page: Page, url: str, project: str, names: Iterable[str]) -> None:
    """Sends recordings into a project by forms, as another program does."""
    for name in names:
        file = {"name": f"{name}.webm", "mimeType": "video/webm", "buffer": (MEDIA / "screen-h264.webm").read_bytes()}
        sent = page.request.post(f"/projects/{project}/videos", multipart={"file": file}, headers={"Origin": url})
        assert sent.status == 202, sent.text()


def test_one_websocket_moves_all_cards_also_when_the_service_was_away(
    platform: Platform, page: Page, recording: str
) -> None:
    pids = {running.name: running.pid for running in platform.processes()}
    os.kill(pids["worker"], signal.SIGSTOP)  # so that the cards are in progress when they are seen
    try:
        file_in(page, platform.url, "tides", ("ebb", "flood"))
        sockets = sockets_of(page)
        page.goto("/?project_id=tides")
        expect(page.locator(".card [role=progressbar]")).to_have_count(2)
        while not any(sockets):
            page.wait_for_timeout(50)
        with page.expect_event("websocket"):
            os.kill(pids["API"], signal.SIGKILL)  # the platform starts it again
    finally:
        os.kill(pids["worker"], signal.SIGCONT)
    expect(page.locator(".card [role=progressbar]")).to_have_count(0, timeout=LONG_MS)
    told = [said for socket in sockets for said in socket if said["type"] == "subscribe"]
    first, *later = [[job["id"] for job in said["jobs"]] for said in told]
    assert len(first) == 2
    assert later == [first]


def test_a_project_is_chosen_and_stays_chosen(page: Page, recording: str) -> None:
    page.goto("/")
    page.get_by_label("Course or project").select_option("tides")
    expect(page.locator(".card")).to_have_count(2)
    page.get_by_role("link", name="ebb").click()
    page.locator("video").wait_for()
    page.go_back()
    expect(page.locator(".card")).to_have_count(2)
    page.reload()
    expect(page.get_by_label("Course or project")).to_have_value("tides")
    expect(page.locator(".card")).to_have_count(2)


def test_the_transcript_follows_and_seeks_and_is_put_right(page: Page, recording: str) -> None:
    page.goto(f"/recordings/{recording}")
    line = page.locator(".said-list li").nth(3)
    line.get_by_role("button", name="Play from").click()
    expect(line).to_have_attribute("aria-current", "true")
    until(page, "document.querySelector('video').currentTime > 7")
    page.locator("video").evaluate("video => video.pause()")
    line.hover()
    line.get_by_role("button", name="Edit").click()
    page.get_by_label("What was said at").fill("It was the epoch of tides.")
    page.keyboard.press("Control+Enter")
    expect(line.locator(".words")).to_have_text("It was the epoch of tides.")
    page.get_by_role("button", name="Speaker 1").first.click()
    page.get_by_label("Name of Speaker 1").fill("Ada")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Ada, rename").first).to_be_visible()
    page.get_by_role("checkbox", name="Send the tide tables to Bea").check()
    page.wait_for_load_state("networkidle")
    page.reload()
    expect(line.locator(".words")).to_have_text("It was the epoch of tides.")
    expect(page.get_by_role("checkbox", name="Send the tide tables to Bea")).to_be_checked()
    captions = page.request.get(f"/api/v1/recordings/{recording}/transcript?format=vtt").text()
    assert "<v Ada>It was the epoch of tides." in captions
    expect(page.locator(".wave .played path")).to_be_attached()
    page.locator(".strip").hover(position={"x": 300, "y": 20})
    expect(page.locator(".bubble img")).to_be_visible()
    page.get_by_role("link", name=re.compile("^Video")).wait_for()


def test_keys_play_and_the_plot_seeks(page: Page, recording: str) -> None:
    page.goto(f"/recordings/{recording}")
    page.locator(".plot svg").wait_for()
    position = "document.querySelector('video').currentTime"
    until(page, "document.querySelector('video').readyState > 1")
    page.keyboard.press("l")
    until(page, f"{position} >= 10")
    page.keyboard.press("j")
    until(page, f"{position} < 10")
    slider = page.get_by_label("Position in the recording")
    slider.focus()
    page.keyboard.press("End")
    until(page, f"{position} > 40")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("of 44 seconds"))
    for name, said in (("Key point at", "Key point"), ("To do at 8 seconds: Send the tide", "Send the tide tables")):
        page.get_by_role("button", name=name).first.focus()
        expect(page.locator(".bubble")).to_contain_text(said)
        expect(page.locator(".bubble img")).to_be_visible()
    page.keyboard.press("Enter")
    until(page, f"{position} > 8 && {position} < 12")
    page.keyboard.press("c")
    until(page, "document.querySelector('video').textTracks[0].activeCues?.length == 1")


def test_a_job_is_cancelled_and_tried_again(platform: Platform, page: Page, recording: str) -> None:
    (worker,) = (running.pid for running in platform.processes() if running.name == "worker")
    os.kill(worker, signal.SIGSTOP)  # so that nothing is done before it is cancelled
    try:
        asked = {"job_type": "render", "payload": {"recording_id": recording}}
        origin = {"Origin": platform.url}
        assert page.request.post("/api/v1/jobs", data=asked, headers=origin).status == 202
        page.goto("/activity")
        line = page.locator(".line", has_text="Video anew")
        line.get_by_role("button", name="Cancel").click()
        expect(line.locator(".state")).to_have_text("Cancelled")
        line.get_by_role("button", name="Try again").click()
        expect(line.get_by_role("button", name="Cancel")).to_be_visible()
    finally:
        os.kill(worker, signal.SIGCONT)
    expect(line.locator(".state")).to_have_text("Done", timeout=LONG_MS)


@pytest.mark.parametrize(("scheme", "size"), [("light", None), ("dark", PHONE)])
def test_every_page_is_for_everybody(
    browser: Browser, platform: Platform, page: Page, recording: str, scheme: str, size: dict[str, int] | None
) -> None:
    shown = {"viewport": size} if size else {}
    state = page.context.storage_state()
    mine = opened(browser, platform.url, color_scheme=scheme, storage_state=state, **shown)
    for path in PAGES:
        mine.goto(path.format(id=recording))
        mine.wait_for_load_state("networkidle")
        assert findings(mine) == [], path
        assert mine.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    mine.get_by_role("button", name="Delete").click()
    mine.get_by_role("heading", name="Delete this recording?").wait_for()
    assert findings(mine) == []
    mine.goto("/recordings/0199e2a4-7c1e-7d32-9a41-5be2f03c11aa")
    mine.get_by_role("heading", name="Nothing here").wait_for()
    assert findings(mine) == []
    mine.context.close()


def test_by_keys_alone_one_gets_in_and_out(browser: Browser, platform: Platform, page: Page, recording: str) -> None:
    mine = opened(browser, platform.url)
    mine.goto(f"/recordings/{recording}")
    mine.get_by_role("heading", name="Sign in").wait_for()
    assert findings(mine) == []
    expect(mine.get_by_label("User name")).to_be_focused()
    for typed in ("ada", "wrong horse battery"):
        mine.keyboard.type(typed)
        mine.keyboard.press("Tab")
    mine.keyboard.press("Enter")
    mine.get_by_text("The user name or the password is wrong.").wait_for()
    mine.get_by_label("Password").fill(SENTENCE)
    mine.keyboard.press("Enter")
    mine.get_by_role("heading", name="screen-vp8").wait_for()
    assert mine.evaluate("document.cookie") == ""
    assert not re.search(r"eyJ|ey[A-Za-z0-9]{20}", mine.evaluate("JSON.stringify(localStorage)"))
    mine.get_by_role("button", name="Sign out").focus()
    mine.keyboard.press("Enter")
    mine.get_by_role("heading", name="Sign in").wait_for()
    assert {cookie["name"] for cookie in mine.context.cookies()} == set()
    mine.context.close()
