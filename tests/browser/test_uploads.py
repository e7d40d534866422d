"""Uploads on the page, in a real browser, and what pip gets of them."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect
from tests.helpers.accessible import accessibility_faults
from tests.helpers.clients import Machine
from tests.helpers.distributions import build_sdist, build_wheel
from tests.helpers.pages import log_in
from tests.helpers.server import PASSWORD, Server

DROP = """async (form, [name, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], name));
  for (const kind of ["dragover", "drop"]) {
    form.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true }));
  }
}"""


def test_files_are_checked_confirmed_and_downloaded(
    page: Page, scripts: bool, site: Server, tmp_path: Path
) -> None:
    name = f"paged-{'with' if scripts else 'without'}"
    metadata = {"description": "# Paged", "description_content_type": "text/markdown"}
    wheel = build_wheel(tmp_path, name, "1.0", summary="From a page", **metadata)
    sdist = build_sdist(tmp_path, name, "1.0")
    bad = build_wheel(tmp_path, name, "2.0", requires_python="three", classifier=["Odd :: x"])
    log_in(page, "ada", PASSWORD)
    page.get_by_role("link", name="Upload files").first.click()
    if scripts:
        page.locator("#upload").evaluate(DROP, [sdist.name, list(sdist.read_bytes())])
        page.locator("#upload").evaluate(DROP, [wheel.name, list(wheel.read_bytes())])
        expect(page.get_by_role("status")).to_contain_text(f"{sdist.name}, {wheel.name}")
        page.get_by_role("button", name="Check").click()
        expect(page.locator("#waiting")).to_contain_text("2")
        page.get_by_label("Wheels").set_input_files(bad)
    else:
        page.get_by_label("Wheels").set_input_files([wheel, sdist, bad])
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#waiting")).to_contain_text("3")
    faults = page.locator("li", has=page.get_by_role("heading", name=bad.name)).locator(".fault li")
    expect(faults).to_contain_text(["Odd :: x is not a known one", "three is not valid"])
    if scripts:
        assert accessibility_faults(page) == []
    page.get_by_label(f"How it will look: {wheel.name}").click()
    expect(page.get_by_role("article").get_by_role("heading")).to_have_text("Paged")
    if scripts:
        assert accessibility_faults(page) == []
    page.get_by_role("link", name="Back to what waits").click()
    page.get_by_role("button", name="Confirm: publish 2 files").click()
    expect(page.get_by_role("status")).to_contain_text("2 files were published.")
    page.get_by_role("link", name="Upload files").click()
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_role("status").first).to_contain_text("1 file was discarded.")

    machine = Machine(tmp_path)
    arguments = ("--dest", str(tmp_path / "got"), "--no-deps", f"{name}==1.0")
    done = machine.pip("download", site, machine.venv(), *arguments)
    assert done.code == 0, done
    assert (tmp_path / "got" / wheel.name).read_bytes() == wheel.read_bytes()


def test_a_refusal_and_a_lost_session_are_told(page: Page, tmp_path: Path) -> None:
    log_in(page, "ada", PASSWORD)
    page.goto("/upload")
    large = tmp_path / "demo-1.0.tar.gz"
    large.write_bytes(bytes(1000))
    page.get_by_label("Wheels").evaluate("input => { input.dataset.most = 999 }")
    page.get_by_label("Wheels").set_input_files(large)
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("alert")).to_have_text(
        "The file demo-1.0.tar.gz is too large. Nothing was sent."
    )
    page.get_by_label("Wheels").evaluate("input => { input.dataset.most = 2000 }")
    token = page.locator("#upload [name=csrf_token]")
    token.evaluate("input => { input.value = 'forged' }")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("alert")).to_have_text("The CSRF token is invalid.")
    page.context.clear_cookies()
    page.get_by_role("button", name="Check").click()
    expect(page).to_have_url("/account/login")
