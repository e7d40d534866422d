"""Removing a release, in a real browser."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect
from tests.helpers.accessible import accessibility_faults
from tests.helpers.application import wheel
from tests.helpers.pages import log_in
from tests.helpers.server import PASSWORD, Server


def test_a_release_is_removed_once_its_version_is_typed(
    site: Server, page: Page, tmp_path: Path, scripts: bool
) -> None:
    name, token = f"demo-{scripts}".lower(), site.create_token("ada")
    for version in ("1.0", "2.0"):
        assert site.upload(token, wheel(tmp_path, name, version)).status_code == 200
    needs = wheel(tmp_path, f"needs-{name}", "1.0", requires_dist=[f"{name}==1.0"])
    assert site.upload(token, needs).status_code == 200

    log_in(page, "ada", PASSWORD)
    page.goto(f"/project/{name}/settings/")
    page.get_by_role("link", name="Remove a file, a release or the package").click()
    # axe is a script itself.
    assert not scripts or accessibility_faults(page) == []
    page.get_by_role("link", name="1.0", exact=True).click()
    expect(page.get_by_text("no other release would do")).to_be_visible()
    page.get_by_label("Type 1.0 to confirm").fill("2.0")
    page.get_by_role("button", name="Remove the release for good").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was removed.")
    assert not scripts or accessibility_faults(page) == []
    page.get_by_label("Type 1.0 to confirm").fill("1.0")
    page.get_by_role("button", name="Remove the release for good").click()
    expect(page.get_by_role("status")).to_contain_text(f"{name} 1.0 is removed.")
    found = site.page(name)
    assert found is not None
    assert found["versions"] == ["2.0"]
