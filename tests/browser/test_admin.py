"""Admins at work, in a real browser."""

from __future__ import annotations

from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, expect
from tests.helpers.accessible import accessibility_faults
from tests.helpers.application import wheel
from tests.helpers.pages import expect_logged_in, log_in
from tests.helpers.receiver import receiver
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


def test_what_happens_can_be_followed_by_everybody_and_on_a_phone(
    page: Page, site: Server, tmp_path: Path
) -> None:
    assert site.upload(site.create_token("ada"), wheel(tmp_path, "followed", "1.0")).is_success
    log_in(page, "grace", PASSWORD)
    page.goto("/project/followed/")
    page.get_by_role("button", name="Watch followed").click()
    expect(page.get_by_role("button", name="Stop watching followed")).to_be_visible()
    page.goto("/admin/webhooks/")
    with receiver() as told:
        page.get_by_role("textbox", name="Address").fill(told.url)
        page.get_by_label("Allow addresses of private").check()
        page.get_by_role("button", name="Add").click()
        expect(page.locator("#secret")).to_contain_text("whsec_")
        faults = accessibility_faults(page)
        page.get_by_role("link", name="Go on to the webhook").click()
        page.get_by_role("button", name="Send a test").click()
        # A worker's thread sends it.
        for _ in range(100):
            page.reload()
            if page.get_by_role("cell", name="delivered").count():
                break
        expect(page.get_by_role("cell", name="delivered")).to_be_visible()
    assert [one.headers["user-agent"] for one in told.messages] == ["Packslip-Webhooks"]
    faults += accessibility_faults(page)
    for path in ("/admin/webhooks/", "/notes/log", "/project/followed/log/", "/account/watches/"):
        page.goto(path)
        faults += accessibility_faults(page)
    assert faults == []
