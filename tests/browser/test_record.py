"""Recording in the page: the words come while it goes on, and no second of it is lost, whatever breaks."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.browsing import LONG_MS, findings

pytestmark = pytest.mark.timeout(170)

HERE = """async () => {
  const opened = await new Promise((resolve) => {
    const opening = indexedDB.open("tidemark-recordings");
    opening.onsuccess = () => resolve(opening.result);
  });
  const chunks = await new Promise((resolve) => {
    const asking = opened.transaction("chunks").objectStore("chunks").getAll();
    asking.onsuccess = () => resolve(asking.result);
  });
  opened.close();
  return digest(await new Blob(chunks.map((chunk) => chunk.bytes)).arrayBuffer());
}"""
THERE = """async (id) => digest(await (await fetch(`/api/v1/recordings/${id}/renditions/original`)).arrayBuffer())"""
DIGEST = """async function digest(bytes) {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [bytes.byteLength, [...hash].join(" ")];
}"""


def begin(page: Page, title: str) -> None:
    page.goto("/record")
    page.get_by_label("Title").fill(title)
    page.get_by_role("button", name="Begin").click()
    page.get_by_text(re.compile(r"\d+ KB stored")).wait_for()


def test_the_words_come_while_it_is_recorded_and_the_result_follows(page: Page) -> None:
    begin(page, "A reading")
    words = page.locator(".said-list .words, .draft")
    expect(words.filter(has_text=re.compile("(it was the|best of|times|age of)", re.IGNORECASE)).first).to_be_visible(
        timeout=LONG_MS
    )
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".controls .dot")).to_have_count(0)
    assert findings(page) == []
    stopped = page.locator(".clock").inner_text()
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".clock")).not_to_have_text(stopped)
    page.get_by_role("button", name="Stop and keep").click()
    page.get_by_role("heading", name="A reading").wait_for()
    expect(page.locator(".said-list .words").first).to_be_visible(timeout=LONG_MS)


def test_what_was_not_sent_outlives_a_reload(page: Page) -> None:
    begin(page, "Over a bad line")
    page.route("**/api/v1/uploads/*", lambda route: route.abort())
    page.get_by_text(re.compile("The connection broke, .* on the way")).wait_for()
    page.reload()
    page.get_by_role("heading", name="Recorded here, and not sent yet").wait_for()
    assert findings(page) == []
    kept = page.evaluate(f"() => {{ {DIGEST}; return ({HERE})(); }}")
    page.unroute_all(behavior="ignoreErrors")
    page.get_by_role("button", name="Go on sending Over a bad line").click()
    page.get_by_text("The service has all of it.").wait_for()
    recording_id = str(page.get_by_role("link", name="Open Over a bad line").get_attribute("href")).rsplit("/", 1)[-1]
    assert kept[0] > 10_000
    assert page.evaluate(f"(id) => {{ {DIGEST}; return ({THERE})(id); }}", recording_id) == kept
    page.goto("/record")
    expect(page.get_by_role("button", name="Begin")).to_be_visible()
    expect(page.locator(".leftover")).to_have_count(0)
