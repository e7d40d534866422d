"""Tokens and sessions, in a real browser."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, Page, expect
from tests.helpers.accessible import accessibility_faults
from tests.helpers.application import wheel
from tests.helpers.clients import BIN, Machine
from tests.helpers.pages import expect_logged_in, log_in
from tests.helpers.processes import run
from tests.helpers.server import PASSWORD, Server


def make_token(page: Page, name: str, packages: str = "") -> None:
    page.goto("/account/tokens/")
    page.get_by_label("Name", exact=True).fill(name)
    if packages:
        page.get_by_label("Only these").check()
        page.get_by_label("Names of packages").fill(packages)
    page.get_by_role("button", name="Create the token").click()


def test_a_token_is_made_used_by_twine_and_revoked(
    page: Page, scripts: bool, site: Server, tmp_path: Path
) -> None:
    package = f"walked-{'with' if scripts else 'without'}-scripts"
    log_in(page, "ada", PASSWORD)
    make_token(page, "laptop", package)
    machine = Machine(tmp_path)
    (tmp_path / "home").mkdir(exist_ok=True)
    (tmp_path / "home" / ".pypirc").write_text(page.locator("#pypirc").inner_text())
    (tmp_path / "dist").mkdir()
    wheel(tmp_path / "dist", package, "1.0")
    environment = machine.environment
    twine = [str(BIN / "twine"), "upload", "--non-interactive", "-r", "packslip"]
    files = [str(path) for path in (tmp_path / "dist").iterdir()]
    done = run([*twine, *files], environment, folder=tmp_path)
    assert done.code == 0, done
    assert package in site.names()

    page.goto("/account/tokens/")
    expect(page.locator("main")).to_contain_text(f"only {package}")
    expect(page.locator("main")).to_contain_text("from 127.0.0.1 with twine/")
    page.get_by_label("Revoke laptop").click()
    page.get_by_role("button", name="Revoke “laptop”").click()
    expect(page.get_by_role("status")).to_contain_text("is revoked")
    done = run([*twine, *files], environment, folder=tmp_path)
    assert "403" in done.output, done


def test_a_secret_is_copied_with_a_button(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    log_in(page, "ada", PASSWORD)
    make_token(page, "copied")
    page.get_by_role("button", name="Copy the token").click()
    expect(page.get_by_text("Copied", exact=True)).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#secret").inner_text()


def test_a_browser_is_logged_out_from_another_one(
    page: Page, site: Server, chromium: Browser
) -> None:
    log_in(page, "ada", PASSWORD)
    other = chromium.new_context(base_url=site.url, user_agent="Mozilla/5.0 (Windows) Firefox/140")
    elsewhere = other.new_page()
    log_in(elsewhere, "ada", PASSWORD)
    expect_logged_in(elsewhere, "ada")
    page.goto("/account/sessions/")
    page.get_by_role("button", name="Log out Firefox on Windows").click()
    expect(page.get_by_role("status")).to_contain_text("That browser is logged out.")
    elsewhere.goto("/account/sessions/")
    expect(elsewhere).to_have_title("Log in · Packslip")
    other.close()


def test_everybody_can_use_the_pages(page: Page) -> None:
    log_in(page, "ada", PASSWORD)
    faults: list[str] = []
    for packages in ("", "demo, no/name"):
        make_token(page, "for axe " + "x" * 80, packages)
        faults += accessibility_faults(page)
    page.goto("/account/tokens/")
    for summary in page.locator("summary").all():
        summary.click()
    faults += accessibility_faults(page)
    page.goto("/account/sessions/")
    faults += accessibility_faults(page)
    assert faults == []
