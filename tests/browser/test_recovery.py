"""Getting back into an account by mail, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.helpers.accessible import accessibility_faults
from tests.helpers.mail import Mailbox, link_in, mailbox
from tests.helpers.pages import expect_logged_in, log_in
from tests.helpers.server import PASSWORD, Server, serving


@pytest.fixture(scope="module")
def box() -> Iterator[Mailbox]:
    with mailbox() as box:
        yield box


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, box: Mailbox) -> Iterator[Server]:
    """A server that sends mail."""
    folder = tmp_path_factory.mktemp("server")
    with serving(folder, name="localhost", PACKSLIP_SMTP_URL=box.url) as server:
        for name in ("ada", "bob", "carol"):
            server.create_user(name, PASSWORD)
        yield server


def test_a_forgotten_password_is_replaced_by_mail(
    page: Page, chromium: Browser, site: Server, box: Mailbox, scripts: bool
) -> None:
    name = "ada" if scripts else "bob"
    page.goto("/account/reset")
    assert not scripts or accessibility_faults(page) == []
    page.get_by_label("E-mail address").fill(f"{name}@example.com")
    page.get_by_role("button", name="Send the mail").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    assert not scripts or accessibility_faults(page) == []

    link = link_in(box.wait_for(f"{name}@example.com", "Set a new password"))
    page.goto(link)
    assert not scripts or accessibility_faults(page) == []
    page.get_by_label("New password").fill("quite another password")
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_role("status")).to_contain_text("Your password is set")
    box.wait_for(f"{name}@example.com", "Your password was changed")
    log_in(page, name, "quite another password")
    expect_logged_in(page, name)
    page.goto(link)
    expect(page.get_by_role("heading", name="This link does nothing")).to_be_visible()
    assert not scripts or accessibility_faults(page) == []


def test_a_user_changes_their_profile(context: BrowserContext, page: Page, box: Mailbox) -> None:
    log_in(page, "carol", PASSWORD)
    page.goto("/account/profile")
    assert accessibility_faults(page) == []
    form = page.locator("form", has=page.get_by_role("button", name="Change the address"))
    form.get_by_label("E-mail address").fill("carol.new@example.com")
    form.get_by_label("Current password").fill("a wrong password")
    form.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    assert accessibility_faults(page) == []
    form.get_by_label("Current password").fill(PASSWORD)
    form.get_by_role("button").click()
    expect(page.get_by_text("is not confirmed")).to_be_visible()
    box.wait_for("carol@example.com", "address was changed")

    page.goto(link_in(box.wait_for("carol.new@example.com", "Confirm")))
    assert accessibility_faults(page) == []
    page.get_by_role("button", name="Confirm the address").click()
    expect(page.get_by_role("status")).to_contain_text("is confirmed")

    form = page.locator("form", has=page.get_by_role("button", name="Change the password"))
    form.get_by_label("Current password").fill(PASSWORD)
    form.get_by_label("New password").fill("quite another password")
    form.get_by_role("button").click()
    expect(page.get_by_role("status")).to_contain_text("Your password is changed")
    assert accessibility_faults(page) == []
