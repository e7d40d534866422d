"""What holds for every address that answers a GET, those that are still to come included."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask import Flask
from tests.helpers.app import make_app
from tests.helpers.browsing import Browser
from tests.helpers.databases import SQLiteDatabases
from tests.helpers.schema import fill
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from packslip.accounts.models import Role, User
from packslip.db import db

FORGED = {
    "Host": "evil.example.com",
    "X-Forwarded-Host": "evil.example.com",
    "X-Forwarded-Proto": "gopher",
    "X-Forwarded-Prefix": "/evil.example.com",
    "Forwarded": "host=evil.example.com;proto=gopher",
    "X-Original-URL": "/evil.example.com",
}

#: What stands in an address, by the name of the part; numbers are 1, and anything else is `demo`.
PARTS = {"version": "1.0", "username": "ada", "first": "aa", "second": "aa", "rest": "a" * 60}


class Faults(HTMLParser):
    """Collects what the content security policy is there to stop."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attrs}
        if tag == "style" or (tag == "script" and "src" not in names):
            self.found.append(tag)
        self.found += [n for n in names if n == "style" or n.startswith("on")]
        self.found += [v for _, v in attrs if (v or "").lower().startswith("javascript:")]


def address(app: Flask, rule: Rule) -> str:
    values = {
        part: 1 if type(converter).__name__ == "IntegerConverter" else PARTS.get(part, "demo")
        for part, converter in rule._converters.items()
    }
    return app.url_map.bind("localhost").build(rule.endpoint, values, method="GET")


def answers(app: Flask) -> Iterator[tuple[str, TestResponse]]:
    """What each address answers, to nobody and to an admin, when the request names other hosts."""
    with app.app_context():
        fill(db.session())
        ada = db.session().query(User).one()
        ada.role, user_id = Role.ADMIN, ada.id
        db.session().commit()
    admin = Browser(app)
    admin.log_in_as(user_id)
    cookie = admin.client.get_cookie("packslip_session")
    assert cookie is not None
    # The client takes the made-up host for the one that it visits.
    admin.client.set_cookie(cookie.key, cookie.value, domain=FORGED["Host"])
    paths = {address(app, rule) for rule in app.url_map.iter_rules() if "GET" in rule.methods}
    for path in sorted(paths | {"/nowhere", "/project/demo", "/project//demo/", "/legacy/"}):
        for who, browser in (("nobody", Browser(app)), ("an admin", admin)):
            with app.app_context():
                headers = {"Accept": "text/html,*/*;q=0.8", **FORGED}
                yield f"{path} to {who}", browser.client.get(path, headers=headers)


@pytest.fixture
def app(tmp_path: Path, sqlite_databases: SQLiteDatabases) -> Flask:
    return make_app(tmp_path, sqlite_databases.create(tmp_path), PROPAGATE_EXCEPTIONS=False)


def test_no_answer_names_a_host_that_the_client_made_up(app: Flask) -> None:
    for what, answer in answers(app):
        assert answer.status_code < 500 or answer.status_code == 503, (what, answer.status)
        assert "evil.example" not in answer.get_data(as_text=True), what
        assert "evil.example" not in str(answer.headers), what
        assert answer.headers.get("Location", "/").startswith(
            ("/", "http://packages.example.com")
        ), what


def test_every_page_keeps_scripts_and_frames_of_others_out(app: Flask) -> None:
    pages = 0
    for what, answer in answers(app):
        assert answer.headers["X-Content-Type-Options"] == "nosniff", what
        assert answer.headers["Referrer-Policy"] == "same-origin", what
        if answer.mimetype != "text/html":
            continue
        pages += 1
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, what
        assert "base-uri 'none'" in policy, what
        assert "frame-ancestors 'none'" in policy, what
        assert "unsafe" not in policy, what
        assert answer.headers["X-Frame-Options"] == "DENY", what
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin", what
        assert "camera=()" in answer.headers["Permissions-Policy"], what
        assert "publickey-credentials-get=(self)" in answer.headers["Permissions-Policy"], what
        assert Faults(answer.text).found == [], what
    assert pages > 20


def test_what_is_for_one_person_is_stored_nowhere(app: Flask) -> None:
    personal = set()
    for what, answer in answers(app):
        if "csrf_token" in answer.get_data(as_text=True) or "/account/" in what:
            personal.add(what)
            assert answer.headers["Cache-Control"] == "no-store", what
    assert {"/ to an admin", "/nowhere to an admin"} <= personal
