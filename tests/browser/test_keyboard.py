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
    "/project/demo/",
    "/notes/1/edit",
    "/search/?q=demo",
    "/project/demo/files/",
    "/project/demo/settings/",
    "/account/",
    "/account/tokens/",
    "/notes/",
    "/notes/1",
    "/notes/new",
    "/check/",
    "/appearance",
    "/nowhere",
)

BODY = "# Why\n\nSee [[demo]] and [there](https://example.com).\n\n```python\nimport os\n```\n"


@pytest.fixture(scope="module")
def filled(site: Server, tmp_path_factory: pytest.TempPathFactory) -> Server:
    folder = tmp_path_factory.mktemp("wheels")
    assert site.upload(site.create_token("ada"), wheel(folder, "demo", "1.0")).status_code == 200
    site.command(
        "note", "add", "--user", "ada", "--title", "drops sessions", "--body", BODY,
        "--package", "demo", "--versions", "==1.0", "--act", "yank",
    )  # fmt: skip
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


@pytest.mark.usefixtures("filled")
def test_the_keys_of_the_editor_save_and_leave_it(page: Page) -> None:
    log_in(page, "ada", PASSWORD)
    page.goto("/notes/1/edit")
    text = page.get_by_label("Text, in Markdown")
    text.focus()
    for key in ("Tab", "Shift+Tab"):
        page.keyboard.press(key)
        is_left = text.evaluate("(element) => document.activeElement !== element")
        assert is_left == (key == "Tab")
    text.press("ControlOrMeta+End")
    page.keyboard.insert_text("the last line")
    page.keyboard.press("ControlOrMeta+Enter")
    expect(page.get_by_role("status")).to_have_text("The note is saved.")
    expect(page.locator("main")).to_contain_text("the last line")


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
