"""A person's session in the browser: where one goes on after signing in, and how one leaves, in every tab."""

import re
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from deploy.platform import Platform
from tests.browser.browsing import SENTENCE, opened, sign_up

SOMEWHERE = ("/.//evil.example", "/x/..//evil.example", "//evil.example/", "/sign-in?new", "/web/x/app.js", "/nothing")
pytestmark = pytest.mark.timeout(170)


def enter(page: Page, name: str) -> None:
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(SENTENCE)
    page.keyboard.press("Enter")


def test_one_goes_on_to_a_page_of_ours_or_to_the_library(browser: Browser, platform: Platform) -> None:
    mine = opened(browser, platform.url)
    sign_up(mine, "nora")
    for asked in (*SOMEWHERE, "/activity?state=done"):
        mine.goto(f"/sign-in?next={quote(asked, safe='')}")
        enter(mine, "nora")
        expect(mine).to_have_url(platform.url + ("/" if asked in SOMEWHERE else asked))
        mine.locator("h1, h2").first.wait_for()
    assert mine.errors == []  # type: ignore[attr-defined]
    mine.context.close()


def test_one_leaves_when_the_service_says_so_and_then_in_every_tab(browser: Browser, platform: Platform) -> None:
    def refused(route: Route) -> None:
        route.abort() if route.request.method == "DELETE" else route.continue_()

    mine = opened(browser, platform.url)
    sign_up(mine, "lea")
    other = mine.context.new_page()
    other.goto("/activity")
    other.get_by_role("button", name="Sign out").wait_for()
    mine.route("**/api/v1/auth/session", refused)
    mine.get_by_role("button", name="Sign out").click()
    mine.get_by_text("You are still signed in.").wait_for()
    expect(mine).to_have_url(f"{platform.url}/")
    mine.unroute_all(behavior="ignoreErrors")
    mine.get_by_role("button", name="Sign out").click()
    mine.get_by_role("heading", name="Sign in").wait_for()
    other.get_by_role("heading", name="Sign in").wait_for()
    expect(other).to_have_url(re.compile("/sign-in"))
    assert mine.errors == []  # type: ignore[attr-defined]
    mine.context.close()
