from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError
from tests.helpers.app import make_app
from tests.helpers.databases import SQLiteDatabases
from tests.helpers.processes import own_environment, run_own

from packslip import db
from packslip.db_failures import failure_of, is_busy, is_full, is_read_only
from packslip.errors import StorageFullError


class PostgresError(Exception):
    """Carries what psycopg's errors carry."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__("kein Platz mehr")
        self.sqlstate = sqlstate


def test_what_failed_is_told_from_what_was_wrongly_asked() -> None:
    damaged = sqlite3.DatabaseError("file is not a database")
    assert failure_of(DatabaseError("SELECT 1", {}, damaged)) == "file is not a database"
    assert failure_of(IntegrityError("INSERT", {}, sqlite3.IntegrityError("UNIQUE"))) is None
    assert failure_of(ValueError("a bug")) is None


def test_each_database_says_it_in_its_own_way() -> None:
    assert is_full(OperationalError("INSERT", {}, PostgresError("53100")))
    assert is_busy(OperationalError("UPDATE", {}, PostgresError("55P03")))
    assert not is_full(OperationalError("UPDATE", {}, PostgresError("55P03")))
    told = sqlite3.OperationalError("attempt to write a readonly database")
    assert is_read_only(OperationalError("INSERT", {}, told))


def test_a_full_database_refuses_changes_and_takes_them_again(
    tmp_path: Path, sqlite_databases: SQLiteDatabases
) -> None:
    app = make_app(tmp_path, sqlite_databases.create(tmp_path), PROPAGATE_EXCEPTIONS=False)
    fill = text("INSERT INTO languages (id, description) VALUES ('x', zeroblob(:size))")

    @app.get("/fill")
    def answer() -> str:
        db.session().execute(text("PRAGMA max_page_count = 1"))
        db.session().execute(fill, {"size": 5_000_000})
        return "never"

    with app.app_context():
        session = db.session()
        with pytest.raises(StorageFullError), db.write_transaction(session):
            # As many pages as there are.
            session.execute(text("PRAGMA max_page_count = 1"))
            session.execute(fill, {"size": 1_000_000})
        with db.write_transaction(session):
            session.execute(text("PRAGMA max_page_count = 1000000"))
            session.execute(fill, {"size": 1_000_000})
            session.execute(text("DELETE FROM languages"))
    refused = app.test_client().get("/fill")
    assert refused.status == "507 There is no room left for the database."


def test_a_connection_that_could_only_read_is_not_kept(
    tmp_path: Path, sqlite_databases: SQLiteDatabases
) -> None:
    app = make_app(tmp_path, sqlite_databases.create(tmp_path))
    with app.app_context():
        session = db.session()
        # As SQLite opens it while nothing can be written to the disk.
        session.execute(text("PRAGMA query_only = ON"))
        with db.write_transaction(session):
            session.execute(text("INSERT INTO languages (id, description) VALUES ('x', '')"))


def test_a_command_ends_with_a_line_when_its_data_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "packslip.db").write_bytes(b"no database at all" * 1000)
    environment = own_environment(tmp_path / "home", PACKSLIP_DATA=str(tmp_path))
    done = run_own("packslip", "user", "list", environment=environment, folder=tmp_path)
    line = "packslip: the database cannot be used: file is not a database"
    assert (done.code, done.output.strip()) == (1, line)

    (tmp_path / "migrate.lock").unlink()
    (tmp_path / "migrate.lock").mkdir()
    done = run_own("packslip", "user", "list", environment=environment, folder=tmp_path)
    line = f"packslip: the data folder {tmp_path} cannot be written to: Is a directory"
    assert (done.code, done.output.strip()) == (1, line)
