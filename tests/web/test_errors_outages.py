"""What is answered while the database cannot be used, and once it can be again."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from tests.helpers.app import make_app
from tests.helpers.databases import SQLiteDatabases, migrate, own_postgres

from packslip import app as application
from packslip import connecting, db

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
UV = {"Accept": "application/json;q=0.9, text/plain;q=0.8, text/html;q=0.7"}
LINE = "The database cannot be reached at the moment."


def client_of(folder: Path, url: str) -> FlaskClient:
    return make_app(folder, url, PROPAGATE_EXCEPTIONS=False).test_client()


def drop_connections(client: FlaskClient) -> None:
    with client.application.app_context():
        db.db.engine.dispose()


def assert_away(client: FlaskClient) -> None:
    page = client.get("/project/demo/", headers=BROWSER)
    assert page.status == f"503 {LINE}"
    assert page.mimetype == "text/html"
    assert page.headers["Retry-After"] == "5"
    assert "packslip.css" in page.text
    assert page.text.endswith("</html>")
    assert page.headers["X-Request-ID"] in page.text
    tool = client.get("/simple/demo/")
    assert (tool.status_code, tool.mimetype, tool.text) == (503, "text/plain", f"{LINE}\n")
    problem = client.get("/simple/demo/", headers=UV)
    assert problem.mimetype == "application/problem+json"
    assert problem.get_json()["request_id"] == problem.headers["X-Request-ID"]
    with client.get("/static/packslip.css") as sheet:
        assert sheet.status_code == 200


def test_a_postgresql_that_stops_is_found_again_when_it_starts(
    tmp_path: Path, postgres_uri: str, capfd: pytest.CaptureFixture[str]
) -> None:
    # The tests' common server is started first: other tests could not go on without it.
    with own_postgres() as server:
        migrate(server.get_uri(), tmp_path)
        client = client_of(tmp_path, server.get_uri())
        assert client.get("/project/demo/").status_code == 404
        server.stop()
        capfd.readouterr()
        assert_away(client)
        lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
        assert [line["event"] for line in lines] == ["the database failed"] * 3
        assert len({line["request_id"] for line in lines}) == 3
        server.start()
        assert client.get("/project/demo/").status_code == 404
        drop_connections(client)


def test_a_sqlite_file_that_goes_away_is_found_again(
    tmp_path: Path, sqlite_databases: SQLiteDatabases
) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    client = client_of(tmp_path, sqlite_databases.create(folder))
    assert client.get("/project/demo/").status_code == 404
    drop_connections(client)
    folder.rename(tmp_path / "unmounted")
    assert_away(client)
    (tmp_path / "unmounted").rename(folder)
    assert client.get("/project/demo/").status_code == 404


def test_a_sqlite_file_that_somebody_keeps_locked(
    tmp_path: Path, sqlite_databases: SQLiteDatabases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "BUSY_TIMEOUT", 0)
    url = sqlite_databases.create(tmp_path)
    locker = sqlite3.connect(tmp_path / "packslip.db", isolation_level=None)
    locker.execute("PRAGMA locking_mode = EXCLUSIVE")
    locker.execute("BEGIN EXCLUSIVE")
    try:
        assert_away(client_of(tmp_path, url))
    finally:
        locker.close()


def test_a_pool_without_a_free_connection(
    tmp_path: Path, sqlite_databases: SQLiteDatabases, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 0.01}
    monkeypatch.setattr(application, "engine_options", lambda *_: small)
    client = client_of(tmp_path, sqlite_databases.create(tmp_path))
    with client.application.app_context(), db.db.engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        assert_away(client)
    assert client.get("/project/demo/").status_code == 404


@pytest.mark.parametrize(
    ("given", "is_kept"),
    [("from-127.0.0.1-abc", True), ('a"b<script>c', False), ("x" * 65, False)],
)
def test_a_proxy_in_a_trusted_network_names_requests_and_nobody_else_does(
    tmp_path: Path, given: str, is_kept: bool
) -> None:
    app = make_app(tmp_path, f"sqlite:///{tmp_path}/x.db", PACKSLIP_TRUSTED_PROXIES="127.0.0.0/8")
    client = app.test_client()
    headers = {"X-Request-ID": given, "X-Forwarded-For": "192.0.2.1"}
    for address, is_proxy in (("127.0.0.1", True), ("192.0.2.7", False)):
        answer = client.get("/healthz", headers=headers, environ_base={"REMOTE_ADDR": address})
        assert (answer.headers["X-Request-ID"] == given) is (is_kept and is_proxy)
