"""Security keys, passkeys and authenticators, in a real browser."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect
from tests.helpers.accessible import accessibility_faults
from tests.helpers.pages import expect_logged_in, log_in
from tests.helpers.second_factors import Authenticator
from tests.helpers.server import PASSWORD, Server
from tests.helpers.virtual_keys import VirtualKey, add_virtual_key


def add_key(page: Page, username: str, name: str = "blue key") -> VirtualKey:
    """Log in and add a key."""
    key = add_virtual_key(page)
    log_in(page, username, PASSWORD)
    expect_logged_in(page, username)
    page.goto("/account/second-factor/")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Add a key").click()
    return key


def log_out(page: Page) -> None:
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("status")).to_contain_text("logged out")


def test_a_key_is_added_and_logs_in_after_the_password_and_alone(page: Page, site: Server) -> None:
    site.create_user("kay")
    key = add_key(page, "kay")
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    codes = page.locator("pre").inner_text().split()
    assert len(codes) == 10
    assert accessibility_faults(page) == []
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_role("listitem").filter(has_text="blue key")).to_be_visible()
    assert accessibility_faults(page) == []

    log_out(page)
    log_in(page, "kay", PASSWORD)
    assert accessibility_faults(page) == []
    page.get_by_role("button", name="Use a security key").click()
    expect_logged_in(page, "kay")

    log_out(page)
    page.goto("/account/login?next=/account/second-factor/")
    page.get_by_role("button", name="Log in with a passkey").click()
    expect_logged_in(page, "kay")
    expect(page).to_have_url(f"{site.url}/account/second-factor/")

    log_out(page)
    log_in(page, "kay", PASSWORD)
    page.get_by_label("Code").fill(codes[0])
    page.get_by_role("button", name="Log in", exact=True).click()
    expect_logged_in(page, "kay")
    expect(page.get_by_role("status")).to_contain_text("9 left")
    assert key.credentials()[0]["signCount"] > 2


def test_a_copy_of_a_key_is_refused(page: Page, site: Server) -> None:
    site.create_user("cleo")
    key = add_key(page, "cleo")
    page.get_by_role("link", name="I have kept them").click()
    log_out(page)
    log_in(page, "cleo", PASSWORD)
    page.get_by_role("button", name="Use a security key").click()
    expect_logged_in(page, "cleo")
    log_out(page)
    key.set_back()
    log_in(page, "cleo", PASSWORD)
    page.get_by_role("button", name="Use a security key").click()
    expect(page.get_by_role("alert")).to_contain_text("counter went back")
    expect(page.get_by_role("link", name="Log in")).to_be_visible()


def test_a_passkey_that_does_not_know_its_holder_is_not_enough_alone(
    page: Page, site: Server
) -> None:
    site.create_user("vera")
    key = add_key(page, "vera")
    page.get_by_role("link", name="I have kept them").click()
    log_out(page)
    key.verify_user(False)
    page.get_by_role("button", name="Log in with a passkey").click()
    expect(page.locator("[data-key-note]")).to_contain_text("Nothing was done")
    log_in(page, "vera", PASSWORD)
    page.get_by_role("button", name="Use a security key").click()
    expect_logged_in(page, "vera")


def test_a_browser_without_a_key_says_so(page: Page, site: Server) -> None:
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    page.goto("/account/login")
    page.get_by_role("button", name="Log in with a passkey").click()
    expect(page.locator("[data-key-note]")).to_contain_text("Waiting for the key")
    expect(page.get_by_role("button", name="Log in with a passkey")).to_be_disabled()


def test_an_authenticator_is_added_and_asked(page: Page, site: Server, scripts: bool) -> None:
    username = "with" if scripts else "without"
    site.create_user(username)
    log_in(page, username, PASSWORD)
    expect_logged_in(page, username)
    page.goto("/account/second-factor/")
    assert not scripts or accessibility_faults(page) == []
    page.get_by_role("button", name="Add an authenticator").click()
    picture = page.get_by_role("img", name=re.compile("QR code"))
    expect(picture).to_be_visible()
    assert not scripts or picture.evaluate("image => image.naturalWidth > 100")
    assert not scripts or accessibility_faults(page) == []
    device = Authenticator(page.locator("pre").inner_text())
    page.get_by_label("Code").fill(device.code())
    page.get_by_role("button", name="Add it").click()
    page.get_by_role("link", name="I have kept them").click()
    log_out(page)
    log_in(page, username, PASSWORD)
    page.get_by_label("Code").fill(device.code(1))
    page.get_by_role("button", name="Log in", exact=True).click()
    expect_logged_in(page, username)
