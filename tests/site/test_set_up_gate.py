"""What an index answers that is not set up."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event
from tests.helpers.accounts import make_user
from tests.helpers.app import make_app
from tests.helpers.browsing import Browser
from tests.helpers.databases import SQLiteDatabases
from tests.helpers.packages import add_file, add_package, add_release

from packslip.accounts.setup import CODE_FILE
from packslip.db import db

REASON = 'Packslip is not set up yet: open the link that "packslip serve" printed'

PAGES = ("/", "/project/demo/", "/account/login", "/account/first-steps", "/setup")
READ_BY_TOOLS = ("/simple/", "/simple/demo/", "/pypi/demo/json", "/rss/updates.xml")
ALWAYS_OPEN = ("/healthz", "/readyz", "/static/packslip.css")


@pytest.fixture
def new(tmp_path: Path, sqlite_databases: SQLiteDatabases) -> Flask:
    """An application that is not set up."""
    return make_new(tmp_path, sqlite_databases)


def make_new(folder: Path, databases: SQLiteDatabases, **settings: Any) -> Flask:
    return make_app(folder, databases.create(folder), set_up=False, **settings)


def add_demo(app: Flask) -> None:
    with app.app_context():
        package = add_package(db.session())
        add_file(db.session(), add_release(db.session(), package), "demo-1.0.tar.gz")


@pytest.mark.parametrize("path", PAGES)
def test_every_page_shows_the_form(new: Flask, path: str) -> None:
    add_demo(new)
    answer = Browser(new).get(path)
    assert answer.status_code == 200
    assert 'action="/setup"' in answer.text
    assert "demo" not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", READ_BY_TOOLS)
def test_tools_are_told_why_there_is_nothing_to_read(new: Flask, path: str) -> None:
    answer = new.test_client().get(path)
    assert answer.status == f"503 {REASON}"
    assert answer.text == f"{REASON}\n"
    assert int(answer.headers["Retry-After"]) > 0


def test_packages_that_are_there_already_are_read(new: Flask) -> None:
    add_demo(new)
    for path in READ_BY_TOOLS:
        assert new.test_client().get(path).status_code == 200
    assert new.test_client().get("/simple/unknown/").status_code == 404
    assert upload(new).status == f"503 {REASON}"


def test_packages_for_members_are_read_by_nobody_yet(
    tmp_path: Path, sqlite_databases: SQLiteDatabases
) -> None:
    app = make_new(tmp_path, sqlite_databases, PACKSLIP_READ="members")
    add_demo(app)
    for path in READ_BY_TOOLS:
        assert app.test_client().get(path).status_code == 401


def upload(app: Flask, path: str = "/legacy/") -> Any:
    data = {":action": "file_upload", "content": (BytesIO(b"bytes"), "demo-1.0.tar.gz")}
    return app.test_client().post(path, data=data, headers={"Authorization": "Basic Zm86YmFy"})


@pytest.mark.parametrize("path", ["/legacy/", "/legacy", "/", "/nowhere"])
def test_uploads_are_refused_with_the_reason(new: Flask, path: str) -> None:
    answer = upload(new, path)
    assert answer.status == f"503 {REASON}"
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_else_can_be_sent(new: Flask, method: str) -> None:
    for path in ("/account/login", "/account/logout", "/project/demo/", "/simple/"):
        assert new.test_client().open(path, method=method).status == f"503 {REASON}"


@pytest.mark.parametrize("path", ALWAYS_OPEN)
def test_operation_and_style_sheets_are_there(new: Flask, path: str) -> None:
    answer = new.test_client().get(path)
    assert answer.status_code == 200
    assert "set up" not in answer.text
    answer.close()


def test_what_nobody_serves_is_not_found(new: Flask) -> None:
    assert new.test_client().get("/nowhere").status_code == 404
    assert new.test_client().get("/project/demo").status_code == 308


def test_somebody_who_can_log_in_opens_it_and_makes_the_code_go(new: Flask, tmp_path: Path) -> None:
    (tmp_path / CODE_FILE).write_text("code")
    with new.app_context():
        make_user(db.session(), "author")
    assert "set-up code" in Browser(new).get("/").text
    with new.app_context():
        make_user(db.session(), "ada", hashed_password="$argon2id$")
    assert "set-up code" not in Browser(new).get("/").text
    assert not (tmp_path / CODE_FILE).exists()
    assert new.test_client().get("/simple/").status_code == 200


def test_an_index_that_is_set_up_pays_nothing_for_it(new: Flask) -> None:
    statements: list[str] = []
    with new.app_context():
        make_user(db.session(), "ada", hashed_password="$argon2id$")
        event.listen(db.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    new.test_client().get("/simple/")
    assert any("users" in statement for statement in statements)
    statements.clear()
    new.test_client().get("/simple/")
    assert not any("users" in statement for statement in statements)
