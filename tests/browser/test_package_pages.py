"""The pages of a package, in a real browser."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest
from playwright.sync_api import Page, expect
from tests.helpers.distributions import build_sdist, build_wheel
from tests.helpers.pages import log_in
from tests.helpers.server import PASSWORD, Server

README = """# Demo

![build](https://images.example.com/build.svg)

```python
import os  # a comment

@decorated
class Thing(Base):
    \"\"\"Says what it is.\"\"\"

    limit: int = 42

    def name(self) -> str:
        return f"{self!r}\\n" if True and not None else 'x'
```

```console
$ pip install demo
Successfully installed
```

```diff
- old
+ new
```

> quoted

| one | two | three | four | five | six | seven |
|---|---|---|---|---|---|---|
| 1 | 2 | 3 | 4 | 5 | 6 | a-very-long-word-that-does-not-fit-into-one-line-of-a-phone |

- [x] done
"""

FIELDS = {
    "metadata_version": "2.4",
    "summary": "Shows what a page of a package looks like",
    "description": README,
    "description_content_type": "text/markdown",
    "author_email": "Ada <ada@example.com>",
    "license_expression": "MIT",
    "keywords": "demo,pages",
    "requires_python": ">=3.9",
    "classifier": ["Programming Language :: Python :: 3", "Topic :: Software Development"],
    "project_url": ["Source, https://code.example.com/demo", "Docs, https://docs.example.com"],
    "requires_dist": ["other>=1", 'pytest; extra == "test"'],
    "provides_extra": ["test"],
}


@pytest.fixture(scope="module")
def package(site: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Has a newest release, and an old pre-release with every banner."""
    folder = tmp_path_factory.mktemp("files")
    token = site.create_token("ada")
    wheel = "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64"
    files = [
        build_wheel(folder, "pages", "2.0", **FIELDS),
        build_sdist(folder, "pages", "2.0", **FIELDS),
        build_wheel(folder, "pages", "1.0rc1", tags=wheel, **FIELDS),
        build_wheel(folder, "other", "1.0", requires_dist=["pages"]),
    ]
    for file in files:
        assert site.upload(token, file).status_code == 200
    site.command("package", "yank", "pages", "1.0rc1", "--reason", "drops sessions")
    with contextlib.closing(sqlite3.connect(site.data / "packslip.db")) as database, database:
        status = "UPDATE packages SET status = 'deprecated', status_reason = 'use other instead'"
        database.execute(f"{status} WHERE id = 'pages'")
    return "pages"


def test_every_banner_is_on_every_page_of_a_release(page: Page, package: str) -> None:
    for tail in ("", "files/", "dependencies/", "notes/"):
        page.goto(f"/project/{package}/1.0rc1/{tail}")
        for words in (
            "This package is deprecated: use other instead.",
            "was yanked: drops sessions",
            "A newer release",
            "is a pre-release",
        ):
            expect(page.get_by_text(words)).to_be_visible()


def test_one_walks_from_tab_to_tab(page: Page, package: str, scripts: bool) -> None:
    log_in(page, "ada", PASSWORD)
    page.goto(f"/project/{package}/")
    tabs = page.get_by_role("navigation", name="Package")
    for name in ("Releases (2)", "Files", "Dependencies", "Downloads", "Settings", "Description"):
        tabs.get_by_role("link", name=name).click()
        current = tabs.locator("[aria-current=page]")
        expect(current).to_have_text(name)
        expect(page.locator(".package-head h1")).to_have_text("pages 2.0")
    tabs.get_by_role("link", name="Releases").click()
    page.get_by_role("link", name="1.0rc1", exact=True).click()
    tabs.get_by_role("link", name="Files").click()
    expect(page.get_by_text("Linux x86-64 (glibc 2.17 or newer), CPython 3.11")).to_be_visible()


def test_images_of_others_are_asked_for_by_a_click_alone(
    page: Page, package: str, scripts: bool
) -> None:
    asked: list[str] = []
    page.route("https://images.example.com/**", lambda route: (asked.append("x"), route.abort()))
    page.goto(f"/project/{package}/")
    assert asked == []
    page.get_by_role("link", name="Load it").click()
    expect(page.get_by_role("img", name="build")).to_have_count(1)
    assert asked
    page.get_by_role("link", name="Do not load them").click()
    expect(page.get_by_role("link", name="Load it")).to_be_visible()


def test_commands_and_digests_are_copied(page: Page, package: str, site: Server) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.url)
    page.goto(f"/project/{package}/1.0rc1/")
    page.locator("[data-copies=install-uv]").click()
    expect(page.get_by_text("Copied", exact=True)).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"uv pip install --default-index {site.simple_url} pages==1.0rc1"
    page.goto(f"/project/{package}/files/")
    page.get_by_role("button", name="Copy the SHA-256 of pages-2.0.tar.gz").click()
    expect(page.get_by_text("Copied", exact=True)).to_be_visible()
    assert len(page.evaluate("navigator.clipboard.readText()")) == 64
