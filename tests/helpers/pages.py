"""What a person does on the pages, in a real browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect


def log_in(page: Page, username: str, password: str) -> None:
    """Log in with the log-in page, without a second factor."""
    page.goto("/account/login")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in", exact=True).click()


def expect_logged_in(page: Page, username: str) -> None:
    """Fail unless the page's head says that this user is logged in."""
    expect(page.get_by_role("navigation", name="Account", exact=True)).to_contain_text(username)
