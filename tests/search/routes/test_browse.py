"""Browsing by licence and language."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from tests.helpers.accounts import basic, make_token, make_user
from tests.helpers.app import make_app
from tests.helpers.downloads import add_downloads
from tests.helpers.search import add_found
from tests.helpers.statements import statements

from packslip.db import db
from packslip.search import browsing


def names(page: str) -> list[str]:
    return re.findall(r'class="package-name" href="/project/([^/]+)/"', page)


def groups(page: str) -> list[tuple[str, str]]:
    return re.findall(r'<a href="/browse/[^"]+">([^<]+)</a> <span class="state">(\d+)<', page)


def language(name: str) -> list[str]:
    return [f"Programming Language :: {name}"]


def test_licences_and_languages_are_counted(session: Session, client: FlaskClient) -> None:
    add_found(session, "aaa", license="MIT", classifier=language("C++"))
    add_found(session, "bbb", license="MIT", classifier=language("C++"))
    add_found(session, "ccc", license="a/b, c # <d>", classifier=language("Rust"))
    add_found(session, "ddd")
    page = client.get("/browse/").text
    assert groups(page) == [
        ("MIT", "2"),
        ("a/b, c # &lt;d&gt;", "1"),
        ("C++", "2"),
        ("Rust", "1"),
    ]
    (odd,) = re.findall(r'href="(/browse/licenses/a[^"]*)"', page)
    assert names(client.get(odd).text) == ["ccc"]
    assert names(client.get("/browse/languages/C++/").text) == ["aaa", "bbb"]


def test_packages_come_in_the_order_that_is_asked_for(
    session: Session, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("bbb", "aaa", "ccc"):
        add_found(session, name, license="MIT")
    add_found(session, "other", license="ISC")
    add_downloads(session, {"package_id": "ccc", "created_at": datetime.now(UTC)})
    session.commit()
    # Of many packages those in the order are looked through, instead of sorting them.
    for many in (browsing.MANY, 0):
        monkeypatch.setattr(browsing, "MANY", many)
        for sort, expected in (
            ("name", ["aaa", "bbb", "ccc"]),
            ("date", ["ccc", "aaa", "bbb"]),
            ("downloads", ["ccc", "aaa", "bbb"]),
        ):
            page = client.get(f"/browse/licenses/MIT/?sort={sort}").text
            assert names(page) == expected, (many, sort)
        monkeypatch.setattr(browsing, "PER_PAGE", 2)
        assert names(client.get("/browse/licenses/MIT/?page=2").text) == ["ccc"]
        assert names(client.get("/browse/licenses/MIT/?page=9").text) == ["ccc"]
        monkeypatch.setattr(browsing, "PER_PAGE", 50)
    monkeypatch.setattr(browsing, "MOST_RESULTS", 2)
    page = client.get("/browse/licenses/MIT/").text
    assert (names(page), "show the first 2 in this order" in page) == (["aaa", "bbb"], True)
    assert client.get("/browse/licenses/MIT/?sort=size").status_code == 400


def test_unknown_ones_are_not_found_but_similar_ones_named(
    session: Session, client: FlaskClient
) -> None:
    add_found(session, "aaa", license="GPL-3.0-only", classifier=language("JavaScript"))
    answer = client.get("/browse/licenses/gpl-3/", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert 'href="/browse/licenses/GPL-3.0-only/"' in answer.text
    assert (
        "JavaScript"
        in client.get("/browse/languages/?id=java", headers={"Accept": "text/html"}).text
    )
    for odd in ("%00", "%25", "_", "%F0%9F%98%80", "%ff", "x" * 3000):
        assert client.get(f"/browse/languages/{odd}/").status_code == 404
    assert client.get("/browse/languages/?id=").status_code == 404


def test_limited_readers_browse_only_their_packages(database_url: str, tmp_path: Path) -> None:
    app = make_app(tmp_path, database_url, PACKSLIP_READ="members")
    client = app.test_client()
    with app.app_context():
        session = db.session()
        add_found(session, "open", license="MIT", classifier=language("Python"))
        add_found(session, "closed", license="ISC", classifier=language("Python"))
        _, secret = make_token(session, make_user(session), scope="read", packages=["open"])
        headers = {"Authorization": basic("__token__", secret)}
        assert client.get("/browse/").location.startswith("/account/login")
        assert groups(client.get("/browse/", headers=headers).text) == [
            ("MIT", "1"),
            ("Python", "1"),
        ]
        assert client.get("/browse/licenses/ISC/", headers=headers).status_code == 404
        page = client.get("/browse/languages/Python/", headers=headers).text
        assert names(page) == ["open"]
        sitemap = client.get("/sitemap.xml", headers=headers).text
        assert ("closed" in sitemap, "/project/open/" in sitemap, "ISC" in sitemap) == (
            False,
            True,
            False,
        )
        db.session.remove()
        db.engine.dispose()


def test_it_takes_as_many_statements_for_many_packages_as_for_few(
    session: Session, client: FlaskClient
) -> None:
    paths = ("/browse/", "/browse/licenses/", "/browse/licenses/MIT/", "/user/ada/")
    make_user(session)
    add_found(session, "first", license="MIT", classifier=language("Python"))
    before = [len(statements(client, path)) for path in paths]
    for number in range(5):
        # The one from before was given back.
        add_found(db.session(), f"more-{number}", license="MIT", classifier=language(f"L{number}"))
    assert [len(statements(client, path)) for path in paths] == before
