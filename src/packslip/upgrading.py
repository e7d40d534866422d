"""Bringing the schema up to date, and keeping the database as it was before."""

from __future__ import annotations

import fcntl
from pathlib import Path

import structlog
from flask import Flask, current_app
from sqlalchemy import inspect, text

from packslip import migrating, snapshots
from packslip.db import db
from packslip.db_failures import DataFolderError

_MIGRATIONS = "packslip_migrations"

log = structlog.get_logger(__name__)


def init_app(app: Flask, migrations: Path) -> None:
    """Give the application the folder with its migrations."""
    app.extensions[_MIGRATIONS] = migrations
    migrating.attach(app, db, migrations, keep_copy_before_upgrade)


def schema_revisions() -> tuple[str | None, str | None]:
    """The revision that the database's schema has, and the newest one that there is."""
    with db.engine.connect() as connection:
        has_any = inspect(connection).has_table("alembic_version")
        revisions = text("SELECT version_num FROM alembic_version")
        current = connection.execute(revisions).scalar() if has_any else None
    folder: Path = current_app.extensions[_MIGRATIONS]
    return current, migrating.newest_revision(folder)


def upgrade_schema() -> None:
    """Bring the schema to the newest revision; processes that start together queue for it.

    Raises:
        DataFolderError: nothing can be written to the data folder.
        SQLAlchemyError: the database cannot be used; see `packslip.db_failures`.
    """
    folder = Path(current_app.instance_path)
    try:
        lock = (folder / "migrate.lock").open("w")
    except OSError as error:
        raise DataFolderError(folder, error) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        current, newest = schema_revisions()
        if current != newest:
            _keep_copy_if_possible()
            migrating.upgrade()


def keep_copy_before_upgrade() -> Path | None:
    """Copy the database, if an upgrade would change what is in it, and give the copy's path.

    Raises:
        DatabaseCopyError: it cannot be copied.
        StorageFullError: there is no room left for it.
    """
    current, newest = schema_revisions()
    if current is None or current == newest:
        return None
    folder = Path(current_app.instance_path) / "before-upgrades"
    return snapshots.keep_copy(db.engine, folder, current)


def _keep_copy_if_possible() -> None:
    try:
        path = keep_copy_before_upgrade()
    except snapshots.DatabaseCopyError as error:
        # PostgreSQL takes an upgrade back as a whole when it fails, and its tools may be elsewhere.
        if db.engine.dialect.name == "sqlite":
            raise
        log.warning("the database is upgraded without a copy of it", reason=error.reason)
    else:
        if path is not None:
            log.info("the database as it was is kept", path=str(path))
