"""A lock file on the page that checks it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from tests.helpers.accessible import accessibility_faults
from tests.helpers.application import wheel
from tests.helpers.keyboard import small_targets
from tests.helpers.server import Server

LOCK = "# pins\ndemo==1.0\nother==2.0\ngit+https://example.com/x\n"

DROP = """
(text) => {
  const carried = new DataTransfer();
  carried.items.add(new File([text], "requirements.txt"));
  const form = document.querySelector("form[data-drop]");
  for (const kind of ["dragover", "drop"]) {
    const event = new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true });
    if (form.dispatchEvent(event)) throw new Error(`${kind} is left to the browser`);
  }
}
"""


@pytest.fixture(scope="module")
def note(site: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The number of a note that holds demo 1.0."""
    built = wheel(tmp_path_factory.mktemp("wheels"), "demo", "1.0")
    assert site.upload(site.create_token("ada"), built).status_code == 200
    return site.command(
        "note", "add", "--user", "ada", "--title", "drops sessions",
        "--package", "demo", "--versions", "==1.0", "--act", "hold", "--visibility", "public",
    ).strip()  # fmt: skip


def test_a_lock_file_is_dropped_and_its_findings_lead_on(page: Page, note: str) -> None:
    page.goto("/check/")
    faults = accessibility_faults(page)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.evaluate(DROP, LOCK)
    heading = page.get_by_role("heading", name="requirements.txt")
    expect(heading).to_be_focused()
    expect(page.get_by_role("status")).to_have_text("1 error, 0 warnings, 1 note for 2 pins.")
    rows = page.get_by_role("row")
    expect(rows.filter(has_text="demo 1.0")).to_contain_text("hold: drops sessions")
    expect(rows.filter(has_text="other 2.0")).to_contain_text("unknown-package")
    page.get_by_text("Not looked at: 1").click()
    expect(page.get_by_text("git+https://example.com/x")).to_be_visible()
    faults += accessibility_faults(page) + small_targets(page)
    assert faults == []
    page.get_by_role("link", name=f"note {note}", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("drops sessions")


def test_a_file_is_chosen_with_scripts_or_without_and_a_faulty_one_is_told(
    page: Page, note: str, scripts: bool
) -> None:
    page.goto("/check/")
    file = {"name": "uv.lock", "mimeType": "text/plain", "buffer": b"version = 1\n[[package\n"}
    page.get_by_label("Lock file").set_input_files(files=[file])
    page.get_by_role("button", name="Check", exact=True).click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("uv.lock")
    if scripts:
        expect(alert).to_be_focused()
        assert accessibility_faults(page) == []
    right = {"name": "requirements.txt", "mimeType": "text/plain", "buffer": LOCK.encode()}
    page.get_by_label("Lock file").set_input_files(files=[right])
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_role("row").filter(has_text="demo 1.0")).to_contain_text("hold")
