"""Keys that lead somewhere, and that can be switched off."""

from __future__ import annotations

from playwright.sync_api import Page, expect


def test_keys_lead_to_pages(page: Page) -> None:
    page.goto("/appearance")
    page.keyboard.press("g")
    page.keyboard.press("s")
    page.wait_for_url("**/stats/")
    page.keyboard.press("/")
    expect(page.get_by_label("Search packages")).to_be_focused()
    page.keyboard.type("g h?")
    expect(page.get_by_label("Search packages")).to_have_value("g h?")
    assert page.url.endswith("/stats/")


def test_keys_can_be_switched_off(page: Page) -> None:
    page.goto("/appearance")
    page.get_by_role("group", name="Keys").get_by_label("Off").check()
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_role("status")).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_label("Search packages")).not_to_be_focused()


def test_commands_are_copied(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/")
    page.get_by_role("button", name="Copy").first.click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "/legacy/" in copied or "/simple/" in copied
