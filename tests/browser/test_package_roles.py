"""Looking after a package together, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.helpers.accessible import accessibility_faults
from tests.helpers.application import wheel
from tests.helpers.pages import log_in
from tests.helpers.server import PASSWORD, Server


@pytest.fixture
def package(site: Server, tmp_path: Path, scripts: bool) -> str:
    """A package that ada owns."""
    name = f"demo-{'with' if scripts else 'without'}-scripts"
    assert site.upload(site.create_token("ada"), wheel(tmp_path, name, "1.0")).status_code == 200
    return name


@pytest.fixture
def other(chromium: Browser, site: Server, scripts: bool) -> Iterator[Page]:
    """A page in the browser of another person."""
    context = chromium.new_context(base_url=site.url, java_script_enabled=scripts)
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def faults(page: Page, scripts: bool) -> list[str]:
    # axe is a script itself.
    return accessibility_faults(page) if scripts else []


def test_somebody_is_invited_accepts_and_takes_over(
    page: Page, other: Page, package: str, scripts: bool
) -> None:
    log_in(page, "ada", PASSWORD)
    page.goto(f"/project/{package}/")
    page.get_by_role("link", name="Settings").click()
    expect(page.get_by_text("You are the only owner.")).to_be_visible()
    page.get_by_label("Username").fill("grace")
    page.get_by_role("button", name="Invite").click()
    expect(page.get_by_role("status")).to_contain_text("grace is invited to become maintainer")

    log_in(other, "grace", PASSWORD)
    other.get_by_role("link", name="grace").click()
    assert faults(other, scripts) == []
    other.get_by_role("button", name=f"Accept: {package}").click()
    expect(other.get_by_role("status")).to_contain_text(f"You are maintainer of {package} now.")

    page.reload()
    page.get_by_text(f"Hand {package} over").click()
    page.get_by_label("New owner").select_option("grace")
    page.get_by_role("button", name="Hand it over").click()
    expect(page.get_by_role("status")).to_contain_text("grace owns")
    page.get_by_label("Reason").fill("drops sessions")
    page.get_by_role("button", name="Yank").click()
    expect(page.get_by_text("yanked: drops sessions").first).to_be_visible()
    assert faults(page, scripts) == []
    page.get_by_text(f"Leave {package}").first.click()
    page.get_by_role("button", name=f"Leave {package}").click()
    expect(page.get_by_role("status").first).to_contain_text(f"You no longer look after {package}.")

    other.goto(f"/project/{package}/settings/")
    expect(other.get_by_role("cell", name=f"left {package}, as maintainer")).to_be_visible()
    other.get_by_label("Username").fill("nobody")
    other.get_by_role("button", name="Invite").click()
    expect(other.get_by_role("alert")).to_contain_text("There is no user 'nobody'.")
    assert faults(other, scripts) == []
