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
from packslip.errors import PackslipError
from packslip.schema import works_with

_MIGRATIONS = "packslip_migrations"

log = structlog.get_logger(__name__)


class NewerSchemaError(PackslipError):
    """A newer version changed the database, in ways that this one does not understand."""

    def __init__(self, current: str, needed: str | None, newest: str) -> None:
        since = f", which needs a version that knows {needed}" if needed else ""
        super().__init__(
            f"the database is at revision {current}{since}; this version knows up to {newest}."
            " Use a newer version of Packslip"
        )


def init_app(app: Flask, migrations: Path) -> None:
    """Give the application the folder with its migrations."""
    app.extensions[_MIGRATIONS] = migrations
    migrating.attach(app, db, migrations, keep_copy_if_possible)


def schema_revisions() -> tuple[str | None, str]:
    """The revision that the database's schema has, and the newest one that there is."""
    with db.engine.connect() as connection:
        has_any = inspect(connection).has_table("alembic_version")
        revisions = text("SELECT version_num FROM alembic_version")
        current = connection.execute(revisions).scalar() if has_any else None
    folder: Path = current_app.extensions[_MIGRATIONS]
    return current, migrating.newest_revision(folder)


def schema_fault() -> str | None:
    """What is wrong with the schema for this version, in a few words; None when it can be used.

    A newer one can be, if its migrations say so: versions run side by side while nodes are
    upgraded one after another.
    """
    current, newest = schema_revisions()
    if current == newest:
        return None
    if current is not None and current > newest and (works_with() or current) <= newest:
        return None
    return f"at {current}, not at {newest}"


def upgrade_schema() -> None:
    """Bring the schema to the newest revision; processes that start together queue for it.

    Raises:
        NewerSchemaError: it is newer than this version, and does not work with it.
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
        if current is None or current < newest:
            # On PostgreSQL the migrations themselves see to it that others wait, on all machines.
            path = keep_copy_if_possible()
            if path is not None:
                log.info("the database as it was is kept", path=str(path))
            migrating.upgrade()
            return
    if current == newest:
        return
    if schema_fault() is not None:
        raise NewerSchemaError(current, works_with(), newest)
    log.warning("the schema is newer, and works with this version", at=current, known=newest)


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


def keep_copy_if_possible() -> Path | None:
    """The same; PostgreSQL is upgraded without a copy where none can be made, and the log says so.

    Raises:
        DatabaseCopyError: the database is SQLite, and cannot be copied.
        StorageFullError: there is no room left for it.
    """
    try:
        return keep_copy_before_upgrade()
    except snapshots.DatabaseCopyError as error:
        # PostgreSQL takes an upgrade back as a whole when it fails, and its tools may be elsewhere.
        if db.engine.dialect.name == "sqlite":
            raise
        log.warning("the database is upgraded without a copy of it", reason=error.reason)
        return None
