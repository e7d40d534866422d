"""Admins at work, in a real browser."""

from __future__ import annotations

from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, expect
from tests.helpers.accessible import accessibility_faults
from tests.helpers.application import wheel
from tests.helpers.pages import expect_logged_in, log_in
from tests.helpers.server import PASSWORD, Server


def test_a_disabled_account_stops_working_at_once(
    page: Page, chromium: Browser, site: Server, scripts: bool, tmp_path: Path
) -> None:
    name = f"bob-{'with' if scripts else 'without'}-scripts"
    site.create_user(name)
    token = site.create_token(name)
    other = chromium.new_context(base_url=site.url, java_script_enabled=scripts)
    theirs = other.new_page()
    log_in(theirs, name, PASSWORD)
    expect_logged_in(theirs, name)
    assert site.upload(token, wheel(tmp_path, name, "1.0")).status_code == 200

    log_in(page, "grace", PASSWORD)
    page.get_by_role("link", name="Admin").click()
    page.get_by_role("link", name="Users").click()
    page.get_by_label("Name or e-mail").fill(name)
    page.get_by_role("main").get_by_role("button", name="Search").click()
    page.get_by_role("link", name=name, exact=True).click()
    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_role("status")).to_contain_text(f"{name} is disabled")
    expect(page.locator("main")).to_contain_text(f"disabled the account of {name}")

    theirs.goto("/account/")
    expect(theirs.get_by_role("heading", name="Log in")).to_be_visible()
    log_in(theirs, name, PASSWORD)
    expect(theirs.get_by_role("alert")).to_contain_text("wrong")
    other.close()
    assert site.upload(token, wheel(tmp_path, name, "2.0")).status_code == 403
    with httpx.Client(base_url=site.url, auth=(name, PASSWORD)) as client:
        assert client.post("/legacy/", data={":action": "file_upload"}).status_code == 403

    page.get_by_role("button", name="Enable").click()
    expect(page.get_by_role("status")).to_contain_text(f"{name} is enabled")
    assert site.upload(token, wheel(tmp_path, name, "2.0")).status_code == 200


def test_admin_pages_can_be_used_by_everybody_and_on_a_phone(page: Page) -> None:
    log_in(page, "grace", PASSWORD)
    faults = []
    for path in (
        "/admin/",
        "/admin/users/",
        "/admin/users/ada/",
        "/admin/invitations/",
        "/admin/events",
        "/admin/events?since=yesterday",
        "/admin/settings/",
    ):
        page.goto(path)
        faults += accessibility_faults(page)
    assert faults == []


def test_pages_that_show_a_link_once(page: Page) -> None:
    log_in(page, "grace", PASSWORD)
    page.goto("/admin/users/ada/")
    page.get_by_role("button", name="Make a link").click()
    expect(page.locator("#link")).to_contain_text("/account/reset/")
    assert accessibility_faults(page) == []
    page.goto("/admin/invitations/")
    page.get_by_role("button", name="Invite").click()
    expect(page.locator("#link")).to_contain_text("/account/register?invitation=")
    assert accessibility_faults(page) == []
