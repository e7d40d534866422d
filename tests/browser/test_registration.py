"""Coming in by an invitation, in a real browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from tests.helpers.accessible import accessibility_faults
from tests.helpers.pages import expect_logged_in
from tests.helpers.server import Server


def test_the_invited_register_once(page: Page, site: Server, scripts: bool) -> None:
    name = f"bob{scripts:d}"
    link = site.command("user", "invite", "--email", f"{name}@example.com")
    path = link[link.index("/account/") :]
    page.goto(path)
    expect(page.get_by_label("E-mail address")).to_have_value(f"{name}@example.com")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill("password1234")
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_role("alert")).to_contain_text("easy to guess")
    if scripts:
        assert accessibility_faults(page) == []
    page.get_by_label("Password").fill("quiet brown teapot")
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_role("status")).to_contain_text(f"Welcome, {name}.")
    expect_logged_in(page, name)
    page.context.clear_cookies()
    page.goto(path)
    expect(page.get_by_role("main")).to_contain_text("This invitation was used")
