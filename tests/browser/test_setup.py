"""The first set-up and the first steps, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect
from tests.helpers.accessible import accessibility_faults
from tests.helpers.application import wheel
from tests.helpers.pages import expect_logged_in
from tests.helpers.server import PASSWORD, Server, serving


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Server]:
    """A server that is not set up."""
    with serving(tmp_path / "server", name="localhost", set_up=False) as server:
        yield server


def test_from_the_printed_link_to_the_third_step(
    page: Page, site: Server, scripts: bool, tmp_path: Path
) -> None:
    found = re.search(r"^http\S+#code=(\S+)$", site.log, re.MULTILINE)
    assert found is not None
    page.goto("/project/demo/")
    check_accessibility(page, scripts)
    page.goto(found[0] if scripts else found[0].replace("#", "?"))
    expect(page.get_by_label("Set-up code")).to_have_value(found[1])
    if scripts:
        expect(page).to_have_url(f"{site.url}/setup")
        expect(page.get_by_label("Username")).to_be_focused()
    page.get_by_label("Username").fill("ada")
    page.get_by_label("E-mail").fill("ada@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Set up").click()
    expect(page).to_have_url(f"{site.url}/account/first-steps")
    expect_logged_in(page, "ada")
    check_accessibility(page, scripts)
    walk_steps(page, site, wheel(tmp_path, "demo", "1.0"), reload=not scripts)


def check_accessibility(page: Page, scripts: bool) -> None:
    # The checker is a script itself.
    if scripts:
        assert accessibility_faults(page) == []


def walk_steps(page: Page, site: Server, file: Path, *, reload: bool) -> None:
    def expect_done(number: int) -> None:
        if reload:
            page.reload()
        expect(page.get_by_text(f"{number} of 3 done.")).to_be_visible()
        expect(page.get_by_text("✓ done")).to_have_count(number)

    expect_done(0)
    token = site.create_token("ada")
    expect_done(1)
    assert site.upload(token, file).status_code == 200
    expect_done(2)
    listed = site.page("demo")
    assert listed is not None
    assert httpx.get(listed["files"][0]["url"]).status_code == 200
    assert site.downloads()  # which waits until the download is a row
    expect_done(3)


def test_a_browser_that_was_logged_out_stops_asking(page: Page, site: Server) -> None:
    site.create_user("ada")
    page.goto("/account/login")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect_logged_in(page, "ada")
    page.goto("/account/first-steps")
    with page.expect_event("requestfailed", timeout=10_000):
        page.context.clear_cookies()
