"""Before an upgrade the database is kept as it was."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import flask_migrate
import pytest
from flask import Flask
from structlog.testing import capture_logs
from tests.helpers.app import make_app
from tests.helpers.databases import PostgresDatabases
from tests.helpers.processes import own_environment, run_own

from packslip.db import db
from packslip.snapshots import DatabaseCopyError, keep_copy
from packslip.upgrading import keep_copy_before_upgrade, schema_revisions, upgrade_schema


def _older(folder: Path) -> Flask:
    """An index whose schema is one revision behind."""
    app = make_app(folder, f"sqlite:///{folder / 'packslip.db'}")
    with app.app_context():
        flask_migrate.upgrade()
        flask_migrate.downgrade()
        db.engine.dispose()
    return app


def _revision(path: Path) -> str:
    with closing(sqlite3.connect(path)) as database:
        return str(database.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def test_an_upgrade_keeps_the_database_as_it_was_and_nothing_else_does(tmp_path: Path) -> None:
    app = _older(tmp_path)
    with app.app_context():
        older, newest = schema_revisions()
        assert older != newest
        upgrade_schema()
        upgrade_schema()
        assert schema_revisions() == (newest, newest)
    [copy] = (tmp_path / "before-upgrades").iterdir()
    assert copy.name.endswith(f"Z-{older}.db")
    assert _revision(copy) == older
    assert copy.stat().st_mode & 0o077 == 0


def test_a_new_database_is_not_copied(tmp_path: Path) -> None:
    with make_app(tmp_path, f"sqlite:///{tmp_path / 'packslip.db'}").app_context():
        upgrade_schema()
    assert not (tmp_path / "before-upgrades").exists()


def test_the_command_says_where_it_keeps_the_copy_unless_told_to_keep_none(tmp_path: Path) -> None:
    _older(tmp_path)
    environment = own_environment(tmp_path / "home", PACKSLIP_DATA=str(tmp_path))
    done = run_own("packslip", "db", "upgrade", environment=environment, folder=tmp_path)
    assert done.code == 0, done
    [copy] = (tmp_path / "before-upgrades").iterdir()
    assert f"The database as it was is kept as {copy}" in done.output
    copy.unlink()
    _older(tmp_path)
    arguments = ("db", "upgrade", "--no-backup")
    done = run_own("packslip", *arguments, environment=environment, folder=tmp_path)
    assert done.code == 0, done
    assert list((tmp_path / "before-upgrades").iterdir()) == []


def test_the_newest_three_copies_stay(app: Flask, tmp_path: Path) -> None:
    if db.engine.dialect.name != "sqlite":
        return
    made = [keep_copy(db.engine, tmp_path / "copies", "0001") for _ in range(4)]
    assert sorted((tmp_path / "copies").iterdir()) == made[1:]


def test_without_pg_dump_postgresql_is_upgraded_and_the_log_says_so(
    postgres_databases: PostgresDatabases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres_databases.create()
    try:
        app = make_app(tmp_path, url)
        with app.app_context():
            flask_migrate.downgrade()
            monkeypatch.setenv("PATH", str(tmp_path))
            with pytest.raises(DatabaseCopyError, match="no pg_dump"):
                keep_copy_before_upgrade()
            with capture_logs() as logs:
                upgrade_schema()
            assert "without a copy" in logs[0]["event"]
            current, newest = schema_revisions()
            assert current == newest
            db.engine.dispose()
    finally:
        postgres_databases.drop(url)
