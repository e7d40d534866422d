"""Fixtures that every test may use.

A test that asks for `app`, `session` or `client` runs twice: on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from tests.helpers.app import close_apps, make_app
from tests.helpers.clock import wait_out_midnight
from tests.helpers.databases import PostgresDatabases, SQLiteDatabases, postgres_server
from tests.helpers.hashing import hash_cheaply
from tests.helpers.routing import remember_compiled_rules

from packslip.db import db
from packslip.downloads.recorder import current_recorder


def pytest_configure() -> None:
    settings = [name for name in os.environ if name.startswith("PACKSLIP_")]
    for name in settings:
        if name != "PACKSLIP_TEST_CLIENTS":
            del os.environ[name]
    # Servers and commands that tests start would otherwise compile everything each time.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # How long an example takes depends on what else the machine does.
    hypothesis.settings.register_profile("untimed", hypothesis.settings(deadline=None))
    hypothesis.settings.load_profile("untimed")
    # Nothing is mirrored unless a test says what.
    os.environ["PACKSLIP_UPSTREAM_URL"] = ""
    remember_compiled_rules()
    # For good: it holds before the first test module is imported.
    hash_cheaply(pytest.MonkeyPatch())


def pytest_runtest_setup() -> None:
    wait_out_midnight()


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and not ipaddress.ip_address(address[0]).is_loopback:
            raise OSError(f"a test tried to connect to {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def closed_apps() -> Iterator[None]:
    yield
    close_apps()


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SQLiteDatabases:
    return SQLiteDatabases(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres_uri() -> Iterator[str]:
    with postgres_server() as uri:
        yield uri


@pytest.fixture(scope="session")
def postgres_databases(
    postgres_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> PostgresDatabases:
    return PostgresDatabases(postgres_uri, tmp_path_factory.mktemp("postgres"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh database with the newest schema."""
    if request.param == "sqlite":
        databases: SQLiteDatabases = request.getfixturevalue("sqlite_databases")
        yield databases.create(tmp_path)
    else:
        servers: PostgresDatabases = request.getfixturevalue("postgres_databases")
        url = servers.lend()
        yield url
        servers.give_back(url)


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """An application within its context."""
    app = make_app(tmp_path, database_url)
    with app.app_context():
        yield app
        current_recorder().close()
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def app_on_postgresql(postgres_databases: PostgresDatabases, tmp_path: Path) -> Iterator[Flask]:
    """The same for what concerns PostgreSQL alone, which may change the database as it likes."""
    url = postgres_databases.create()
    app = make_app(tmp_path, url)
    with app.app_context():
        yield app
        current_recorder().close()
        db.session.remove()
        db.engine.dispose()
    postgres_databases.drop(url)


@pytest.fixture
def session(app: Flask) -> Session:
    return db.session()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
