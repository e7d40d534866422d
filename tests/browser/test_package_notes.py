"""Notes on a package's own pages, in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect
from tests.helpers.accessible import accessibility_faults
from tests.helpers.application import wheel
from tests.helpers.pages import log_in
from tests.helpers.server import PASSWORD, Server


def test_a_package_is_archived_and_its_notes_say_so(
    site: Server, page: Page, tmp_path: Path, scripts: bool
) -> None:
    name, token = f"tabs-{scripts}".lower(), site.create_token("ada")
    for version in ("1.0", "2.0"):
        assert site.upload(token, wheel(tmp_path, name, version)).status_code == 200
    log_in(page, "ada", PASSWORD)
    page.goto(f"/project/{name}/")
    page.get_by_role("link", name="Notes (0)").click()
    expect(page.get_by_text("Nobody has written a note that you can see")).to_be_visible()
    # axe is a script itself.
    assert not scripts or accessibility_faults(page) == []

    held = ("--package", name, "--versions", "==1.0", "--act", "hold")
    site.command("note", "add", "--user", "ada", "--title", "drops sessions", *held)
    page.get_by_role("link", name="Settings").click()
    page.get_by_text(f"Archive {name}", exact=True).first.click()
    page.get_by_label("Why").fill("others do it better")
    page.get_by_role("button", name=f"Archive {name}").click()
    expect(page.get_by_role("status")).to_contain_text("is archived by note")
    page.get_by_text(f"Take {name} out of the archive").click()
    assert not scripts or accessibility_faults(page) == []

    page.goto(f"/project/{name}/1.0/")
    expect(page.get_by_text("This release is on hold: drops sessions")).to_be_visible()
    expect(page.get_by_text("pip install")).to_have_count(0)
    page.get_by_role("link", name="Notes (2)").click()
    expect(page.get_by_role("heading", level=3)).to_have_text(
        [re.compile("others do it better archives"), re.compile("drops sessions holds")]
    )
    assert not scripts or accessibility_faults(page) == []
    write = page.get_by_role("link", name="Write a note about this release")
    expect(write).to_have_attribute("href", f"/notes/new?package={name}&versions=%3D%3D1.0")
    page.get_by_role("main").get_by_role("link", name="others do it better").first.click()
    expect(page.get_by_role("heading", level=1, name="others do it better")).to_be_visible()
    page.goto(f"/project/{name}/settings/")
    page.get_by_text(f"Take {name} out of the archive").click()
    page.get_by_role("button", name=f"Un-archive {name}").click()
    expect(page.get_by_text(f"{name} is active now.")).to_be_visible()
