"""Who may reach the addresses that are for reading."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, url_for
from flask.testing import FlaskClient
from sqlalchemy import select
from tests.helpers.accounts import basic, make_token, make_user
from tests.helpers.app import make_app
from tests.helpers.browsing import Browser
from tests.helpers.packages import add_demo

from packslip.accounts import identity
from packslip.accounts.passwords import hash_password
from packslip.db import db, write_transaction
from packslip.downloads.recorder import current_recorder
from packslip.packages.models import File

PASSWORD = "correct horse battery"

ADDRESSES = [
    "/",
    "/pypi/demo/1.0/json",
    "/pypi/demo/json",
    "/project/demo/",
    "/project/demo/1.0/",
    "/rss/packages.xml",
    "/rss/project/demo/releases.xml",
    "/rss/updates.xml",
    "/simple/",
    "/simple/demo/",
    "/sitemap.xml",
]

#: Where people are sent to the log-in page; tools are asked for credentials everywhere else.
PAGES = {"/", "/project/demo/", "/project/demo/1.0/"}


def open_index(folder: Path, database_url: str, read: str) -> Iterator[Flask]:
    app = make_app(folder, database_url, PACKSLIP_READ=read)
    with app.app_context():
        add_demo(db.session())
        yield app
        current_recorder().close()
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def public(tmp_path: Path, database_url: str) -> Iterator[Flask]:
    yield from open_index(tmp_path, database_url, "public")


@pytest.fixture
def private(tmp_path: Path, database_url: str) -> Iterator[Flask]:
    yield from open_index(tmp_path, database_url, "members")


def statuses(app: Flask, authorization: str | None = None) -> dict[str, int]:
    client = FlaskClient(app)
    headers = {"Authorization": authorization} if authorization else {}
    return {path: client.get(path, headers=headers).status_code for path in ADDRESSES}


def test_everybody_reads_a_public_index(public: Flask) -> None:
    assert set(statuses(public).values()) == {200}


def test_wrong_credentials_do_not_disturb_a_public_index(
    public: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> bool:
        raise AssertionError("a password was checked, which takes long")

    make_user(db.session(), hashed_password=hash_password(PASSWORD))
    monkeypatch.setattr(identity, "check_password", refuse)
    for header in (basic("ada", "wrong"), basic("nobody", "x"), "Bearer wrong", "Basic %"):
        assert set(statuses(public, header).values()) == {200}


def test_nobody_reads_a_private_index_without_credentials(private: Flask) -> None:
    found = statuses(private)
    assert {path for path, status in found.items() if status == 303} == PAGES
    assert {status for path, status in found.items() if path not in PAGES} == {401}
    response = FlaskClient(private).get("/simple/demo/")
    assert response.headers["WWW-Authenticate"].startswith("Basic ")


def test_members_read_a_private_index(private: Flask) -> None:
    session = db.session()
    user = make_user(session, hashed_password=hash_password(PASSWORD))
    _, secret = make_token(session, user, scope="read")
    for header in (basic("ada", PASSWORD), basic("__token__", secret), f"Bearer {secret}"):
        assert set(statuses(private, header).values()) == {200}
    wrong = {"Authorization": basic("ada", "a wrong password")}
    for path in ("/", "/simple/demo/"):
        assert FlaskClient(private).get(path, headers=wrong).status_code == 403


def test_a_token_for_other_packages_reads_only_those(private: Flask) -> None:
    session = db.session()
    _, secret = make_token(session, make_user(session), scope="read", packages=["other"])
    found = statuses(private, f"Bearer {secret}")
    assert {path for path, status in found.items() if status == 403} == {
        path for path in ADDRESSES if "demo" in path
    }


def test_whether_it_lives_is_told_to_everybody(private: Flask) -> None:
    assert FlaskClient(private).get("/healthz").status_code == 200


def test_no_address_is_open_by_mistake(private: Flask) -> None:
    file = db.session().scalars(select(File)).one()
    values: dict[str, Any] = {"name": "demo", "version": "1.0", "filename": file.filename}
    key = str(file.storage_key).split("/")
    values |= dict(zip(("first", "second", "rest"), key, strict=False))
    visitor = FlaskClient(private)
    found: dict[str, int] = {}
    with private.test_request_context():
        for rule in private.url_map.iter_rules():
            # Pages about accounts see for themselves to who may use them.
            is_public = str(rule).startswith(("/account/", "/setup", "/static/"))
            if "GET" in (rule.methods or ()) and not is_public:
                path = url_for(
                    rule.endpoint, **{name: values.get(name, 1) for name in rule.arguments}
                )
                found[path] = 0
    for path in found:
        # Not from this machine, whose programs may read the metrics.
        response = visitor.get(path, environ_base={"REMOTE_ADDR": "192.0.2.1"})
        found[path] = response.status_code
        if response.status_code == 401:
            assert response.headers["WWW-Authenticate"].startswith("Basic ")
        elif response.status_code == 303:
            assert response.location.startswith("/account/login?next=")
    assert found.pop("/metrics") == 403
    assert {path for path, status in found.items() if status not in (401, 303)} == {
        # They tell who has a token by no secret where to get one.
        "/.well-known/pytp",
        "/_/oidc/audience",
        "/appearance",
        "/healthz",
        "/readyz",
        "/robots.txt",
    }
    assert found[f"/files/{file.storage_key}"] == 401


def test_a_session_reads_a_private_index(private: Flask) -> None:
    session = db.session()
    user = make_user(session)
    file = session.scalars(select(File)).one()
    file.storage_key = f"{file.sha256[:2]}/{file.sha256[2:4]}/{file.sha256[4:]}/{file.filename}"
    path, stored = f"/files/{file.storage_key}", Path(private.instance_path) / "files"
    (stored / file.storage_key).parent.mkdir(parents=True)
    (stored / file.storage_key).write_bytes(b"x" * file.size)
    session.commit()
    browser = Browser(private)
    browser.log_in_as(user.id)
    for address in (*ADDRESSES, path):
        response = browser.get(address)
        assert response.status_code == 200, address
        assert "private" in response.headers["Cache-Control"], address
    refused = browser.client.get("/simple/", headers={"Authorization": basic("ada", "wrong")})
    assert refused.status_code == 403
    with write_transaction(session):
        session.refresh(user)
        user.disabled_at = datetime.now(UTC)
    assert {browser.get(address).status_code for address in ("/simple/", path)} == {401}
