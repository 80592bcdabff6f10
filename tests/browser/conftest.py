"""The pages in real Chromium, on a whole running platform: one for this folder."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from deploy.embedded.ports import free_ports
from deploy.embedded.stack import default_cache
from deploy.platform import Platform, running_platform
from tests.browser.browsing import chromium, give_speakers, opened, sign_up, upload
from tests.conftest import on_a_thread


@pytest.fixture(scope="package")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A running platform."""
    data = tmp_path_factory.mktemp("platform")
    with on_a_thread(running_platform(free_ports(1)[0], data, default_cache(), print)) as running:
        yield running


@pytest.fixture(scope="package")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("sound")) as browser:
        yield browser


@pytest.fixture(scope="package")
def page(platform: Platform, browser: Browser) -> Iterator[Page]:
    """The page of somebody who is signed in. At the end nothing has gone wrong in it."""
    page = opened(browser, platform.url)
    page.on("dialog", lambda dialog: dialog.accept())  # who leaves in the middle of something means it
    sign_up(page, "ada")
    yield page
    assert page.errors == []


@pytest.fixture(scope="package")
def recording(platform: Platform, page: Page) -> str:
    """The id of a recording that went in by the page, with all that is made of it."""
    recording_id = upload(page)
    give_speakers(platform.services.environment(), recording_id)
    return recording_id
