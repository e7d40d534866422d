"""Logging in and out, in a real browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from tests.helpers.pages import expect_logged_in, log_in
from tests.helpers.server import PASSWORD


def test_somebody_logs_in_and_out(page: Page, scripts: bool) -> None:
    log_in(page, "ada", PASSWORD)
    expect_logged_in(page, "ada")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("status")).to_contain_text("logged out")
    expect(page.get_by_role("link", name="Log in")).to_be_visible()
