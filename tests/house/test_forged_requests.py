"""What a page of another site makes a browser send, at every address, those to come included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from tests.helpers.app import make_app
from tests.helpers.browsing import Browser, csrf_token_of
from tests.helpers.databases import SQLiteDatabases
from tests.helpers.schema import Rows, fill, rows
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from packslip.accounts.models import Role, User
from packslip.db import db

OWN = "http://packages.example.com"

FOREIGN = (
    "https://evil.example.com",
    "http://packages.example.com.evil.example.com",
    "http://packages.example.com@evil.example.com",
    "http://evil.example.com:80/packages.example.com",
    "ftp://packages.example.com",
    "//packages.example.com",
    "null",
    "",
    "http://",
    "http://[",
    "http://[::1",
    "http://packages.example.com\\@evil.example.com",
    "\xff",
)

#: What only reads, though it is asked by a POST; answers cannot be read by pages of others.
READING = {"check_api.check", "osv.query", "osv.querybatch"}

#: Whoever sends it, it is done for whom the body is signed; cookies and passwords count nothing.
SIGNED = {"oidc.mint"}

PARTS = {"version": "1.0", "username": "ada", "first": "aa", "second": "aa", "rest": "a" * 60}

OVERRIDES = {
    "X-HTTP-Method": "DELETE",
    "X-HTTP-Method-Override": "DELETE",
    "X-Method-Override": "DELETE",
}


@dataclass(frozen=True)
class Site:
    app: Flask
    admin: Browser
    nobody: Browser

    def rows(self) -> Rows:
        with self.app.app_context():
            db.session.rollback()
            return rows(db.session())

    def changing(self) -> Iterator[tuple[str, str, str]]:
        """Endpoint, method and path of all that may change something."""
        for rule in self.app.url_map.iter_rules():
            for method in sorted((rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}):
                yield rule.endpoint, method, self.path(rule, method)

    def path(self, rule: Rule, method: str) -> str:
        values = {
            part: 1 if type(converter).__name__ == "IntegerConverter" else PARTS.get(part, "demo")
            for part, converter in rule._converters.items()
        }
        return self.app.url_map.bind("localhost").build(rule.endpoint, values, method=method)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, sqlite_databases: SQLiteDatabases) -> Site:
    folder: Path = tmp_path_factory.mktemp("site")
    app = make_app(folder, sqlite_databases.create(folder), PACKSLIP_REGISTRATION="open")
    app.config["PROPAGATE_EXCEPTIONS"] = False
    with app.app_context():
        fill(db.session())
        ada = db.session().query(User).one()
        ada.role, user_id = Role.ADMIN, ada.id
        db.session().commit()
    admin, nobody = Browser(app), Browser(app)
    admin.log_in_as(user_id)
    return Site(app, admin, nobody)


def send(
    browser: Browser, method: str, path: str, token: str | None = None, **headers: str
) -> TestResponse:
    """A form as a browser sends it; the API is sent JSON instead."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    options: dict[str, Any] = {"data": {"title": "mine"} | ({"csrf_token": token} if token else {})}
    if path.startswith("/api/"):
        named |= {"X-CSRFToken": token} if token else {}
        options = {"json": {"title": "mine"}}
    elif method == "POST" and path == "/upload":
        options["content_type"] = "multipart/form-data"
    with browser.app.app_context():
        return browser.client.open(path, method=method, headers=named, **options)


def test_nothing_is_done_without_the_token_of_the_session(site: Site) -> None:
    admin = csrf_token_of(site.admin.get("/").text)
    nobody = csrf_token_of(site.nobody.get("/account/login").text)
    before, tried = site.rows(), 0
    for endpoint, method, path in site.changing():
        if endpoint in READING | SIGNED or path == "/legacy":
            continue
        tried += 1
        for browser, token in (
            (site.admin, None),
            (site.admin, nobody),
            (site.admin, admin[:-1]),
            (site.nobody, None),
            (site.nobody, admin),
        ):
            answer = send(browser, method, path, token)
            # Uploading and the API know nobody by then; everything else asks for the token first.
            if "CSRF" in answer.text:
                assert answer.status_code == 400, (method, path, token)
            elif answer.status_code == 303:
                assert answer.location.startswith("/account/login"), (method, path, token)
            else:
                assert answer.status_code in {401, 403}, (method, path, token)
    assert site.rows() == before
    assert tried > 80


def test_nothing_is_done_for_a_page_of_another_site(site: Site) -> None:
    """Even with the right token."""
    token, before = csrf_token_of(site.admin.get("/").text), site.rows()
    for number, (endpoint, method, path) in enumerate(site.changing()):
        if endpoint in READING | SIGNED or endpoint.startswith("uploads."):
            continue
        # Each origin with some address, each address with some origins.
        for origin in {FOREIGN[number % len(FOREIGN)], FOREIGN[(number + 5) % len(FOREIGN)]}:
            answer = send(site.admin, method, path, token, Origin=origin)
            assert answer.status_code == 403, (method, path, origin)
            assert "another site" in answer.text, (method, path, origin)
        answer = send(site.admin, method, path, token, Sec_Fetch_Site="cross-site")
        assert answer.status_code == 403, (method, path)
    assert site.rows() == before


def test_no_get_changes_anything_whatever_method_it_claims_to_mean(site: Site) -> None:
    before = site.rows()
    for rule in site.app.url_map.iter_rules():
        if "GET" in (rule.methods or ()):
            path = site.path(rule, "GET")
            with site.app.app_context():
                answer = site.admin.client.get(f"{path}?_method=DELETE&do=1", headers=OVERRIDES)
            assert answer.status_code != 405, path
    assert site.rows() == before


def test_method_overrides_are_ignored(site: Site) -> None:
    token, before = csrf_token_of(site.admin.get("/").text), site.rows()
    path = "/api/v1/notes/1"
    answer = send(site.admin, "POST", path, token, Origin=OWN, **OVERRIDES)
    assert answer.status_code == 405
    assert site.rows() == before


def test_a_form_of_ones_own_page_is_taken(site: Site) -> None:
    """Or the other tests would show nothing."""
    token = csrf_token_of(site.admin.get("/").text)
    for origin in (OWN, "http://localhost"):
        answer = send(site.admin, "POST", "/account/watches/add", token, Origin=origin)
        assert answer.status_code not in {401, 403}, answer.status
        assert "CSRF" not in answer.text
        answer = send(site.admin, "DELETE", "/api/v1/notes/4242", token, Origin=origin)
        assert answer.status_code == 404
