"""Notes in a real browser: written, previewed, kept, shared, discussed, deleted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.helpers.accessible import accessibility_faults
from tests.helpers.distributions import build_wheel
from tests.helpers.pages import log_in
from tests.helpers.server import PASSWORD, Server

BODY = """# Why

We left **3.0** for [[demo]], see #deploy and @ada.

- [x] tried
- [ ] rolled out

| before | after |
|---|--:|
| 1 | 2 |

```python
import os
```
"""


@pytest.fixture(scope="module", autouse=True)
def package(site: Server, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = build_wheel(tmp_path_factory.mktemp("files"), "demo", "1.0")
    assert site.upload(site.create_token("ada"), file).status_code == 200


@pytest.fixture
def grace(chromium: Browser, site: Server) -> Iterator[Page]:
    """A second browser, in which another person is logged in."""
    context = chromium.new_context(base_url=site.url)
    context.set_default_timeout(10_000)
    page = context.new_page()
    log_in(page, "grace", PASSWORD)
    yield page
    context.close()


def write(page: Page, title: str, body: str = BODY, sees: str = "Private") -> str:
    """Write a note and return the address of its page."""
    page.goto("/notes/new")
    page.get_by_label("Title").fill(title)
    page.get_by_label("Text, in Markdown").fill(body)
    page.get_by_role("radio", name=sees).check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()
    return page.url


def draft_is_kept(page: Page) -> None:
    expect(page.locator("#draft-status")).to_contain_text("Draft kept")


def test_a_note_is_written_previewed_shared_discussed_and_deleted(
    page: Page, grace: Page, scripts: bool
) -> None:
    title = f"Stay on 2.3 {'with' if scripts else 'without'} scripts"
    log_in(page, "ada", PASSWORD)
    page.get_by_role("link", name="Notes").click()
    page.get_by_role("link", name="New note").click()
    page.get_by_label("Title").fill(title)
    page.get_by_label("Text, in Markdown").fill(BODY)
    page.get_by_label("Package", exact=True).fill("Demo")
    page.get_by_label("Versions").fill(">= 2.3")
    if not scripts:
        page.get_by_role("button", name="Preview").click()
    preview = page.get_by_role("region", name="Preview")
    expect(preview.get_by_role("link", name="demo", exact=True)).to_be_visible()
    expect(preview.get_by_role("heading", name="Why")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("The note is saved.")
    address = page.url
    assert grace.goto(address).status == 404  # type: ignore[union-attr]

    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_role("radio", name="Team").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("every member who is logged in")).to_be_visible()
    grace.goto("/notes/?show=team")
    grace.get_by_role("link", name=title).click()
    expect(grace.get_by_role("link", name="Edit", exact=True)).to_have_count(0)
    grace.get_by_label("Your comment").fill("**Why** not 2.4?")
    grace.get_by_role("button", name="Comment").click()
    page.reload()
    expect(page.get_by_text("Why not 2.4?")).to_be_visible()
    grace.get_by_role("link", name="Edit your comment").click()
    grace.get_by_label("Your comment").fill("Good.")
    grace.get_by_role("button", name="Save").click()
    expect(grace.get_by_text("Good.")).to_be_visible()
    grace.get_by_role("button", name="Delete your comment").click()
    expect(grace.get_by_text("Nobody has said anything yet.")).to_be_visible()

    page.get_by_role("link", name="Revisions (2)").click()
    page.get_by_role("link", name="Revision 1", exact=True).click()
    page.get_by_role("button", name="Restore this revision").click()
    expect(page.get_by_role("status")).to_have_text("The note says again what revision 1 said.")
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Restore the note").click()
    expect(page.get_by_role("status")).to_have_text("The note is back.")
    page.get_by_role("button", name="Delete", exact=True).click()
    page.goto("/notes/?show=deleted")
    page.get_by_role("button", name=f"Restore {title}").click()
    expect(page.get_by_role("button", name="Delete", exact=True)).to_be_visible()


def test_two_people_who_save_one_note_overwrite_nothing(page: Page, scripts: bool) -> None:
    log_in(page, "ada", PASSWORD)
    address = write(page, "Runbook", "one\ntwo\nthree\n")
    other = page.context.new_page()
    page.goto(f"{address}/edit")
    other.goto(f"{address}/edit")
    other.get_by_label("Text, in Markdown").fill("one\nTWO\nthree\n")
    other.get_by_role("button", name="Save", exact=True).click()
    expect(other.get_by_role("status")).to_have_text("The note is saved.")
    page.get_by_label("Text, in Markdown").fill("one\ntwo\nthree\nfour\n")
    with page.expect_response(f"{address}/edit") as answer:
        page.get_by_role("button", name="Save", exact=True).click()
    assert answer.value.status == 409
    expect(page.locator(".difference del")).to_contain_text("TWO")
    expect(page.locator(".difference ins").first).to_contain_text("two")
    expect(page.get_by_label("Text, in Markdown")).to_have_value("one\ntwo\nthree\nfour\n")
    if scripts:
        assert accessibility_faults(page) == []
    other.reload()
    expect(other.locator(".note-text")).to_contain_text("TWO")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".note-text")).to_contain_text("four")
    expect(page.get_by_role("link", name="Revisions (3)")).to_be_visible()


def test_what_was_typed_outlives_a_closed_tab(page: Page) -> None:
    log_in(page, "ada", PASSWORD)
    page.goto("/notes/new")
    page.get_by_label("Text, in Markdown").fill("kept after a pause")
    draft_is_kept(page)
    page.close()

    page = page.context.new_page()
    page.goto("/notes/new")
    page.get_by_role("link", name="Use the draft").click()
    area = page.get_by_label("Text, in Markdown")
    expect(area).to_have_value("kept after a pause")
    # Left at once, before any pause.
    area.fill("typed last")
    page.goto("/notes/")
    page.goto("/notes/new")
    page.get_by_role("button", name="Use it").click()
    expect(page.get_by_label("Text, in Markdown")).to_have_value("typed last")
    page.goto("/notes/new")
    page.get_by_role("button", name="Drop the draft").click()
    expect(page.get_by_role("link", name="Use the draft")).to_have_count(0)


def test_what_the_server_never_got_is_kept_in_the_browser(page: Page) -> None:
    log_in(page, "ada", PASSWORD)
    page.goto("/notes/new")
    elsewhere = page.context.new_page()
    elsewhere.goto("/")
    elsewhere.get_by_role("button", name="Log out").click()
    page.get_by_label("Text, in Markdown").fill("typed while logged out")
    expect(page.locator("#draft-status")).to_contain_text("kept in this browser")
    page.close()
    log_in(elsewhere, "ada", PASSWORD)
    elsewhere.goto("/notes/new")
    elsewhere.get_by_role("button", name="Use it").click()
    area = elsewhere.get_by_label("Text, in Markdown")
    expect(area).to_have_value("typed while logged out")
    elsewhere.get_by_label("Title").fill("Rescued")
    area.press("Control+Enter")
    expect(elsewhere.get_by_role("status")).to_have_text("The note is saved.")
    elsewhere.goto("/notes/new")
    expect(elsewhere.get_by_label("Title")).to_have_value("")
    expect(elsewhere.get_by_role("button", name="Use it")).to_be_hidden()


def test_keys_lead_to_notes_and_tab_leaves_the_text(page: Page) -> None:
    log_in(page, "ada", PASSWORD)
    page.goto("/")
    page.keyboard.press("g")
    page.keyboard.press("n")
    page.wait_for_url("**/notes/")
    page.keyboard.press("n")
    page.wait_for_url("**/notes/new")
    page.get_by_label("Text, in Markdown").press("Tab")
    expect(page.get_by_role("button", name="Save", exact=True)).to_be_focused()


def test_a_form_with_faults_can_be_used_by_everybody(page: Page) -> None:
    log_in(page, "ada", PASSWORD)
    page.goto("/notes/new")
    page.get_by_label("Versions").fill("not a range")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert accessibility_faults(page) == []
