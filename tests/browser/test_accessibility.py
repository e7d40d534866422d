"""Every page can be used by everybody."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page
from tests.helpers.accessible import accessibility_faults
from tests.helpers.distributions import build_wheel
from tests.helpers.pages import log_in
from tests.helpers.server import PASSWORD, Server

README = """# Demo

Text with [a link](https://example.com) and ![an image](https://images.example.com/x.png).

| a | b |
|---|---|
| 1 | 2 |

```python
print("demo")  # a comment
```
"""


@pytest.fixture(scope="module")
def filled(site: Server, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """The server with a package of two releases, and a download."""
    folder = tmp_path_factory.mktemp("wheels")
    token = site.create_token("ada")
    for version in ("1.0", "1.1"):
        wheel = build_wheel(
            folder,
            "demo",
            version,
            summary="A demo",
            description_content_type="text/markdown",
            description=README,
            classifier=["Programming Language :: Python", "License :: Public Domain"],
        )
        assert site.upload(token, wheel).status_code == 200
    found = site.page("demo")
    assert found is not None
    site.get(found["files"][0]["url"].removeprefix(site.url), **{"User-Agent": "pip/26.0"})
    site.downloads()
    return site


def test_pages_for_everybody(filled: Server, page: Page) -> None:
    faults = []
    for path in (
        "/",
        "/account/login",
        "/account/logout",
        "/appearance",
        "/browse/",
        "/browse/languages/Python/",
        "/browse/licenses/",
        "/nowhere",
        "/project/demo/",
        "/project/demo/1.0/",
        "/project/demo/downloads/",
        "/search/",
        "/search/?q=demo",
        "/search/?q=nothing-like-it&sort=size",
        "/stats/?days=90",
        "/user/ada/",
        "/user/ada/downloads/",
    ):
        page.goto(path)
        faults += accessibility_faults(page)
    assert faults == []


def test_an_open_table_of_a_chart(filled: Server, page: Page) -> None:
    page.goto("/project/demo/downloads/")
    page.get_by_text("As a table").first.click()
    assert accessibility_faults(page) == []


def test_a_form_with_faults(page: Page) -> None:
    log_in(page, "ada", "wrong password")
    assert accessibility_faults(page) == []


def test_pages_of_a_user(page: Page) -> None:
    log_in(page, "ada", PASSWORD)
    faults = []
    for path in ("/", "/account/logout"):
        page.goto(path)
        faults += accessibility_faults(page)
    assert faults == []
