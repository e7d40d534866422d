"""What people type is text: on every page, in every feed, table and header."""

from __future__ import annotations

import csv
import io
import json
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest
from tests.helpers.browsing import forms_of
from tests.helpers.databases import SQLiteDatabases
from tests.helpers.everything import ADMIN
from tests.helpers.hostile import ATTRIBUTE, ELEMENT, TEXT, HostileIndex, make_hostile_index
from werkzeug.test import TestResponse

#: What is asked of pages besides, by the beginning of their address.
QUERIES = {
    "/browse/": (f"?q={quote(TEXT)}",),
    "/check/": (f"?q={quote(TEXT)}",),
    "/notes/": (f"?q={quote(TEXT)}&tag={quote(TEXT)}", "?format=csv", "?format=md"),
    "/project/": ("?images=1", "?format=csv"),
    "/search/": (f"?q={quote(TEXT)}&license={quote(TEXT)}",),
    "/admin/": (f"?q={quote(TEXT)}&package={quote(TEXT)}&actor={quote(TEXT)}",),
}

#: Forms after which there would be nothing left to look at.
ENDING = (
    "delete",
    "disable",
    "discard",
    "drop",
    "end",
    "hand-over",
    "leave",
    "logout",
    "remov",
    "revoke",
    "withdraw",
    "setup",
)

ADDRESSES = {"action", "data", "formaction", "href", "poster", "src", "srcdoc", "xlink:href"}

ACTIVE = ("javascript:", "data:", "vbscript:", "file:", "//")


class Faults(HTMLParser):
    """Elements and attributes that came from a text, and addresses that would do something."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attrs}
        if tag in {ELEMENT, "iframe", "object", "embed", "base", "style"}:
            self.found.append(tag)
        if tag == "script" and "src" not in names:
            self.found.append(tag)
        self.found += [n for n in names if n.startswith("on") or n in {ATTRIBUTE, "style"}]
        for name, value in attrs:
            address = "".join((value or "").split()).lower()
            # Images of our own are within the page: they cannot do anything there.
            is_image = tag == "img" and address.startswith("data:image/")
            if name in ADDRESSES and address.startswith(ACTIVE) and not is_image:
                self.found.append(f"{tag} {name}={value}")


def strings(found: Any) -> list[str]:
    if isinstance(found, dict):
        return [text for one in found.items() for part in one for text in strings(part)]
    if isinstance(found, list):
        return [text for one in found for text in strings(one)]
    return [found] if isinstance(found, str) else []


def check(what: str, answer: TestResponse) -> bool:
    """Check an answer for what came from a hostile text; whether such a text is in it."""
    assert answer.status_code < 500, (what, answer.status)
    assert "X-Hostile" not in answer.headers
    assert answer.headers["X-Content-Type-Options"] == "nosniff", what
    text = answer.get_data(as_text=True)
    if "html" in answer.mimetype:
        assert Faults(text).found == [], what
        # Nothing was taken for a template.
        assert "1337" not in text, what
        return "7*191" in text
    if "xml" in answer.mimetype:
        # A parser refuses what is not well-formed.
        root = ET.fromstring(text)
        assert not [one.tag for one in root.iter() if ELEMENT in str(one.tag)], what
        for one in root.iter():
            assert not (one.text or "").strip().lower().startswith("javascript:"), what
    elif answer.mimetype == "text/csv":
        cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))], what
    elif "json" in answer.mimetype:
        documents = text.split("\n") if ".jsonl" in what else [text]
        found = [json.loads(one) for one in documents if one]
        return any("7*191" in one for one in strings(found))
    else:
        assert "html" not in answer.mimetype, what
    return "7*191" in text


@pytest.fixture(scope="module")
def index(
    tmp_path_factory: pytest.TempPathFactory, sqlite_databases: SQLiteDatabases
) -> HostileIndex:
    folder = tmp_path_factory.mktemp("hostile")
    return make_hostile_index(folder, sqlite_databases.create(folder))


def queries_of(path: str) -> tuple[str, ...]:
    return next((more for start, more in QUERIES.items() if path.startswith(start)), ())


def test_no_text_in_the_database_becomes_active_at_any_address(index: HostileIndex) -> None:
    index.fill("text/markdown")
    shown = set()
    for username in (ADMIN, None):
        browser = index.browser(username)
        for path, rule in index.addresses().items():
            for query in ("", *queries_of(path)) if username == ADMIN else ("",):
                answer = browser.get(path + query)
                if check(f"{path}{query} for {username}", answer):
                    shown.add(rule)
                answer.close()
    # Or this would show nothing.
    assert len(shown) > 60, sorted(shown)


@pytest.mark.parametrize("content_type", ["text/x-rst", "text/plain", "text/html", TEXT])
def test_no_description_becomes_active(index: HostileIndex, content_type: str) -> None:
    index.fill(content_type)
    browser = index.browser(ADMIN)
    for path in (f"/project/{index.package}/", f"/project/{index.package}/?images=1"):
        assert check(path, browser.get(path))


def test_no_text_that_is_sent_becomes_active_in_the_answer(index: HostileIndex) -> None:
    """Faulty forms are shown again with what was typed, and say what is wrong with it."""
    sent: set[str] = set()
    for username in (ADMIN, None):
        browser = index.browser(username)
        for path in index.addresses():
            page = browser.get(path)
            if page.mimetype != "text/html":
                continue
            for form in forms_of(page.text):
                action = form.action or path
                kept = {"csrf_token", "do", "note", "edition", "on"}
                values = {n: v if n in kept else TEXT for n, v in form.fields.items()}
                if action in sent or any(word in action for word in ENDING) or not values:
                    continue
                sent.add(action)
                if "csrf_token" in values:
                    answer = browser.post(action, values)
                else:
                    answer = browser.get(action, query_string=values)
                check(f"form {action} of {path}", answer)
                assert answer.status.isprintable()
    assert len(sent) > 40, sorted(sent)


def test_no_text_that_the_api_is_sent_becomes_active_in_the_answer(index: HostileIndex) -> None:
    browser = index.browser(ADMIN)
    token = browser.get("/").text.split('name="csrf_token" value="')[1].split('"')[0]
    names = (
        "act",
        "body",
        "event",
        "expires_at",
        "files",
        "fixed_in",
        "kind",
        "licenses",
        "package",
        "packages",
        "queries",
        "reason",
        "tags",
        "text",
        "title",
        "version",
        "version_range",
        "visibility",
    )
    fields: list[dict[str, Any]] = [dict.fromkeys(names, TEXT), {name: [TEXT] for name in names}]
    fields += [{name: TEXT} for name in names] + [{"title": "x", name: TEXT} for name in names]
    for path in ("/api/v1/notes", "/api/v1/check", "/api/v1/mirror/rules", "/osv/v1/query"):
        for values in fields:
            answer = browser.post(path, json=values, headers={"X-CSRFToken": token})
            assert "html" not in answer.mimetype, path
            check(f"{path} {values}", answer)
            assert answer.status.isprintable()
