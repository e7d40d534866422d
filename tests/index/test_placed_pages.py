"""Simple pages as files: what the routes say, and gone before anything else is said."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.app import make_app
from tests.helpers.databases import SQLiteDatabases
from tests.helpers.packages import add_demo, add_file, add_package, add_release
from tests.helpers.server import free_port, serving

from bench import nginx
from packslip.accounts.models import Role
from packslip.db import db, write_transaction
from packslip.index.placed_pages import PageFilesError, begin_pages
from packslip.packages.models import Package

JSON = "application/vnd.pypi.simple.v1+json"
SETTING = {"PACKSLIP_PAGE_FILES": "simple"}


@pytest.fixture
def database_url(sqlite_databases: SQLiteDatabases, tmp_path: Path) -> str:
    """A database of which this process sees every change."""
    return sqlite_databases.create(tmp_path)


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """As `packslip serve` makes it: once the folder is there."""
    with make_app(tmp_path, database_url, **SETTING).app_context():
        begin_pages()
    app = make_app(tmp_path, database_url, **SETTING)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def demo(session: Session) -> Package:
    package = add_demo(session)
    release = add_release(session, package, "3.0")
    for number in range(20):
        add_file(session, release, f"demo-3.0-{number}-py3-none-any.whl")
    return package


def placed(tmp_path: Path) -> set[str]:
    return {file.name for file in (tmp_path / "pages").iterdir()} - {".lock"}


ALL = {"demo.json", "demo.json.gz", "demo.html", "demo.html.gz"}


def ask(app: Flask, **headers: str) -> bytes:
    return app.test_client().get("/simple/demo/", headers=headers).data


def place(app: Flask, tmp_path: Path) -> None:
    for accept in (JSON, "text/html"):
        ask(app, Accept=accept)
    assert placed(tmp_path) == ALL


def test_they_are_what_the_routes_answer(app: Flask, demo: Package, tmp_path: Path) -> None:
    place(app, tmp_path)
    for form, accept in (("json", JSON), ("html", "text/html")):
        body = ask(app, Accept=accept)
        assert (tmp_path / "pages" / f"demo.{form}").read_bytes() == body
        assert gzip.decompress((tmp_path / "pages" / f"demo.{form}.gz").read_bytes()) == body


def test_who_says_something_of_themselves_places_none(
    app: Flask, demo: Package, tmp_path: Path
) -> None:
    ask(app, Accept=JSON, Authorization="Basic x")
    app.test_client().get("/simple/demo/?format=json")
    assert placed(tmp_path) == set()


def test_they_go_with_every_change_and_with_no_other(
    app: Flask, session: Session, demo: Package, tmp_path: Path
) -> None:
    place(app, tmp_path)
    add_file(session, add_release(session, add_package(session, "other"), "1.0"), "other-1.tar.gz")
    assert placed(tmp_path) == ALL
    with write_transaction(session):
        session.execute(text("UPDATE releases SET yanked = 1 WHERE version = '3.0'"))
    assert placed(tmp_path) == set()
    place(app, tmp_path)
    assert b"yanked" in ask(app, Accept=JSON)
    session.rollback()
    with pytest.raises(ZeroDivisionError), write_transaction(session):
        session.execute(text("DELETE FROM releases WHERE version = '3.0'"))
        raise ZeroDivisionError
    assert placed(tmp_path) == ALL


def test_what_ends_by_itself_is_not_placed(
    app: Flask, session: Session, demo: Package, tmp_path: Path
) -> None:
    with write_transaction(session):
        session.execute(text("UPDATE packages SET acts_until = '2999-01-01 00:00:00'"))
    ask(app, Accept=JSON)
    assert placed(tmp_path) == set()


def test_a_command_removes_them_without_being_told_the_setting(
    app: Flask, session: Session, demo: Package, tmp_path: Path
) -> None:
    place(app, tmp_path)
    make_user(session, "ada", role=Role.ADMIN)
    yank(tmp_path, "3.0")
    assert placed(tmp_path) == set()


def yank(data: Path, version: str) -> None:
    command = [sys.executable, "-m", "packslip", "package", "yank", "demo", version]
    command += ["--user", "ada", "--reason", "It is broken"]
    environment = {**os.environ, "PACKSLIP_DATA": str(data), "PACKSLIP_UPSTREAM_URL": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_index_for_members_is_refused(database_url: str, tmp_path: Path) -> None:
    app = make_app(tmp_path, database_url, PACKSLIP_READ="members", **SETTING)
    with app.app_context(), pytest.raises(PageFilesError, match="PACKSLIP_READ=public"):
        begin_pages()


def test_postgresql_is_refused(app_on_postgresql: Flask, tmp_path: Path) -> None:
    url = app_on_postgresql.config["SQLALCHEMY_DATABASE_URI"]
    app = make_app(tmp_path, url, **SETTING)
    with app.app_context(), pytest.raises(PageFilesError, match="SQLite"):
        begin_pages()


@pytest.mark.skipif(nginx.find() is None, reason="nginx is not installed")
def test_a_real_nginx_sends_what_packslip_would_and_never_what_it_would_not(
    database_url: str, tmp_path: Path
) -> None:
    app = make_app(tmp_path, database_url)
    with app.app_context():
        session = db.session()
        package = add_demo(session)
        make_user(session, "ada", role=Role.ADMIN)
        for number in range(20):
            add_file(session, package.releases[0], f"demo-1.0-{number}-py3-none-any.whl")
        db.session.remove()
    front = tmp_path / "nginx"
    front.mkdir()
    port = free_port()
    with serving(
        tmp_path, data=tmp_path, workers=2, PACKSLIP_TRUSTED_PROXIES="1", **SETTING
    ) as one:
        nginx.in_front_of_packslip(front, port=port, behind=one.port, data=tmp_path)
        process = subprocess.Popen(nginx.command(str(front)))
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
                _wait_for(client)
                _check(client, one.url, tmp_path)
                yank(tmp_path, "1.0")
                page = client.get("/simple/demo/", headers={"Accept": JSON}).json()
                assert "It is broken" in page["files"][0]["yanked"]
        finally:
            process.terminate()
            process.wait(20)


def _wait_for(client: httpx.Client) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if client.get("/healthz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("nginx does not answer")


def _check(client: httpx.Client, direct: str, data: Path) -> None:
    accepts = {
        "pip": f"{JSON}, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01",
        "uv": f"{JSON}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01",
        "json": JSON,
        "html": "text/html",
        "all": "*/*",
        "rather": "text/html, application/vnd.pypi.simple.v1+json;q=0.1",
    }
    for coding in ("gzip, deflate", "identity"):
        for accept in accepts.values():
            headers = {"Accept": accept, "Accept-Encoding": coding}
            ours = httpx.get(f"{direct}/simple/demo/", headers=headers)
            theirs = client.get("/simple/demo/", headers=headers)
            assert theirs.content == ours.content, headers
            for name in ("Content-Type", "Content-Encoding", "Cache-Control", "Vary",
                         "X-Content-Type-Options"):  # fmt: skip
                assert theirs.headers.get(name) == ours.headers.get(name), (name, headers)
    assert placed(data) == ALL
    first = client.get("/simple/demo/", headers={"Accept": JSON})
    assert "X-Request-ID" not in first.headers, "nginx asked"
    known = {"Accept": JSON, "If-None-Match": first.headers["ETag"]}
    assert client.get("/simple/demo/", headers=known).status_code == 304
    assert "X-Request-ID" in client.get("/simple/demo/", headers={"Cookie": "a=b"}).headers
