"""Acts in a real browser: written, looked at beforehand, begun, seen, lifted."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from tests.helpers.accessible import accessibility_faults
from tests.helpers.distributions import build_wheel
from tests.helpers.pages import log_in
from tests.helpers.server import PASSWORD, Server


@pytest.fixture(scope="module", autouse=True)
def package(site: Server, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder, token = tmp_path_factory.mktemp("files"), site.create_token("ada")
    for version in ("1.0", "1.1"):
        file = build_wheel(folder, "demo", version)
        assert site.upload(token, file).status_code == 200
    other = build_wheel(folder, "other", "1.0")
    assert site.upload(site.create_token("grace"), other).status_code == 200


def test_a_note_is_written_looked_at_acts_is_seen_and_is_lifted(page: Page, scripts: bool) -> None:
    def expect_accessible() -> None:
        if scripts:
            assert accessibility_faults(page) == []
            page.set_viewport_size({"width": 1280, "height": 900})

    log_in(page, "ada", PASSWORD)
    if scripts:
        page.goto("/notes/new")
        expect(page.get_by_role("radio", name="Yank:")).to_be_enabled()
        page.get_by_label("Package", exact=True).fill("other")
        page.get_by_label("Versions").focus()
        expect(page.get_by_role("radio", name="Yank:")).to_be_disabled()
    page.goto("/notes/new?package=demo&versions=1.1&act=yank")
    expect(page.get_by_role("radio", name="Yank:")).to_be_checked()
    expect(page.get_by_role("radio", name="Team:")).to_be_checked()
    hold = page.get_by_role("radio", name="Hold:")
    expect(hold).to_be_disabled()
    expect(hold).to_have_accessible_description(
        "Only curators and admins may on demo, which is hosted."
    )
    page.get_by_label("Title").fill("drops sessions")
    page.get_by_label("Look at it again on").fill("2020-01-31")
    expect_accessible()
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.get_by_role("heading", level=1)).to_have_text("The note will act")
    expect(page.get_by_text("Reason for being yanked: drops sessions (note N)")).to_be_visible()
    expect(page.get_by_text("1.1 is yanked")).to_have_count(0)
    expect_accessible()
    page.get_by_role("button", name="Back to the editor").click()
    expect(page.get_by_role("radio", name="Yank:")).to_be_checked()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Save, and let it act").click()
    expect(page.get_by_role("status")).to_have_text("The note is saved.")
    expect(page.get_by_role("region", name="What the note does")).to_contain_text("that is due")
    address = page.url
    expect_accessible()

    page.goto("/project/demo/1.1/")
    expect(page.locator("main")).to_contain_text("drops sessions")
    page.get_by_role("link", name="Who will feel it").click()
    expect(page.get_by_role("heading", level=2)).to_have_text("Who will feel it")
    expect_accessible()
    page.goto("/notes/?show=due")
    page.get_by_role("link", name="drops sessions").click()
    assert page.url == address
    page.get_by_role("link", name="Lift", exact=True).click()
    expect(page.get_by_role("row", name="1.1")).to_contain_text("nothing is said")
    expect_accessible()
    page.get_by_role("button", name="Lift it").click()
    expect(page.get_by_role("status")).to_have_text("The note acts no more.")
    page.get_by_role("link", name="Act again").click()
    page.get_by_role("button", name="Let it act again").click()
    expect(page.get_by_role("status")).to_have_text("The note acts again.")
    page.get_by_role("link", name="Lift", exact=True).click()
    page.get_by_role("button", name="Lift it").click()
    page.goto("/project/demo/1.1/")
    expect(page.locator("main")).not_to_contain_text("drops sessions")
