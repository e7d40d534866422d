"""The pages with hostile texts in a real browser, without the policy that would stop scripts."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Route
from tests.helpers.databases import SQLiteDatabases
from tests.helpers.everything import ADMIN, MIRRORED, OLD
from tests.helpers.hostile import ATTRIBUTE, ELEMENT, make_hostile_index

#: Counts what came from a text, and answers with what a browser makes of many pages.
FIND = f"""pages => pages.flatMap(([path, html]) => {{
  const found = new DOMParser().parseFromString(html, "text/html");
  const wanted = "{ELEMENT}, [{ATTRIBUTE}], iframe, script:not([src])";
  const hostile = [...found.querySelectorAll(wanted)];
  for (const one of found.querySelectorAll("*"))
    for (const {{name, value}} of one.attributes)
      if (name.startsWith("on") || /^[\\s\\x00-\\x1f]*(javascript|data|vbscript):/i.test(value) &&
          ["href", "src", "action", "formaction"].includes(name) &&
          !value.startsWith("data:image/")) hostile.push(one);
  return hostile.map(one => `${{path}}: ${{one.outerHTML.slice(0, 200)}}`);
}})"""


def test_no_hostile_text_does_anything_in_a_browser(
    chromium: Browser,
    tmp_path_factory: pytest.TempPathFactory,
    sqlite_databases: SQLiteDatabases,
) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    index = make_hostile_index(folder, sqlite_databases.create(folder))
    index.fill("text/markdown")
    browser = index.browser(ADMIN)
    faults: list[str] = []

    def answer(route: Route) -> None:
        asked = urlsplit(route.request.url)
        if asked.hostname != "localhost":
            # An image, a frame or a script of somewhere else.
            faults.append(f"{route.request.url} was asked for")
            route.abort()
            return
        found = browser.get(f"{asked.path}?{asked.query}")
        headers = {
            name: value for name, value in found.headers if name != "Content-Security-Policy"
        }
        route.fulfill(status=found.status_code, headers=headers, body=found.get_data())
        found.close()

    context = chromium.new_context(base_url="http://localhost")
    context.route("**/*", answer)
    context.on("dialog", lambda dialog: (faults.append(dialog.message), dialog.dismiss()))
    page = context.new_page()
    for path in (
        f"/project/{index.package}/?images=1",
        f"/project/{index.package}/{OLD}/notes/",
        f"/project/{MIRRORED}/files/",
        f"/notes/{index.parts['note_id']}",
        f"/notes/{index.parts['note_id']}/edit",
        "/admin/events",
        "/account/tokens/",
        "/stats/",
        f"/search/?q={ELEMENT}",
    ):
        page.goto(path)
        # Whatever gets the focus when somebody goes through the page.
        page.evaluate("document.querySelectorAll('*').forEach(one => one.focus?.())")
    pages = [(path, browser.get(path)) for path in index.addresses()]
    texts = [(path, one.text) for path, one in pages if "html" in one.mimetype]
    assert len(texts) > 60
    faults += page.evaluate(FIND, texts)
    context.close()
    assert faults == []
