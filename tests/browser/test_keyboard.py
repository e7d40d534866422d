"""Pages without a mouse."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from tests.helpers.application import wheel
from tests.helpers.keyboard import keyboard_faults, small_targets
from tests.helpers.pages import log_in
from tests.helpers.server import PASSWORD, Server

PAGES = (
    "/",
    "/search/?q=demo",
    "/project/demo/",
    "/project/demo/files/",
    "/project/demo/settings/",
    "/account/",
    "/account/tokens/",
    "/notes/new",
    "/appearance",
    "/nowhere",
)


@pytest.fixture(scope="module")
def filled(site: Server, tmp_path_factory: pytest.TempPathFactory) -> Server:
    folder = tmp_path_factory.mktemp("wheels")
    assert site.upload(site.create_token("ada"), wheel(folder, "demo", "1.0")).status_code == 200
    return site


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(("width", "paths"), [(1280, PAGES), (390, PAGES[:3])])
def test_every_stop_is_seen_and_the_way_leads_through(
    page: Page, width: int, paths: tuple[str, ...]
) -> None:
    page.set_viewport_size({"width": width, "height": 700})
    log_in(page, "ada", PASSWORD)
    expect(page.get_by_role("navigation", name="Account", exact=True)).to_contain_text("ada")
    faults = []
    for path in paths:
        page.goto(path)
        faults += keyboard_faults(page) + small_targets(page)
    assert faults == [], "\n".join(faults)


def test_the_first_stop_skips_to_the_content(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the content")
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_the_keys_are_listed_on_a_page_of_their_own(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("?")
    page.wait_for_url("**/appearance#keys")
    expect(page.get_by_role("heading", name="Keys", exact=True)).to_be_visible()
