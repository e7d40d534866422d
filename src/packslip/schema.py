"""Which schema the database has, whether this version can use it, and bringing it up to date."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from flask import current_app
from sqlalchemy import Connection, inspect, text
from sqlalchemy.orm import Mapped, mapped_column

from packslip import migrating
from packslip.db import Base, Changed, db, migrations_folder
from packslip.db_failures import DataFolderError
from packslip.errors import PackslipError

log = structlog.get_logger(__name__)


class SchemaState(Changed, Base):
    """What the migrations say of the schema as a whole: one row, of number 1."""

    __tablename__ = "schema_state"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    #: The oldest revision whose version of Packslip can use this schema.
    works_with: Mapped[str]


class NewerSchemaError(PackslipError):
    """A newer version changed the database, in ways that this one does not understand."""

    def __init__(self, current: str, needed: str | None, newest: str) -> None:
        since = f", which needs a version that knows {needed}" if needed else ""
        super().__init__(
            f"the database is at revision {current}{since}; this version knows up to {newest}."
            " Use a newer version of Packslip"
        )


def schema_revisions() -> tuple[str | None, str]:
    """The revision that the database's schema has, and the newest one that there is."""
    with db.engine.connect() as connection:
        has_any = inspect(connection).has_table("alembic_version")
        revisions = text("SELECT version_num FROM alembic_version")
        current = connection.execute(revisions).scalar() if has_any else None
    # They are numbered, and their files are named by it.
    newest = max(path.name for path in (migrations_folder() / "versions").glob("[0-9]*.py"))
    return current, newest.partition("_")[0]


def schema_fault() -> str | None:
    """What is wrong with the schema for this version, in a few words; None when it can be used.

    A newer one can be, if its migrations say so: versions run side by side while nodes are
    upgraded one after another.
    """
    current, newest = schema_revisions()
    if current == newest:
        return None
    if current is not None and current > newest and (_works_with() or current) <= newest:
        return None
    return f"at {current}, not at {newest}"


def upgrade_schema() -> None:
    """Bring the schema to the newest revision; whoever starts at the same time queues for it.

    Raises:
        NewerSchemaError: it is newer than this version, and does not work with it.
        DataFolderError: nothing can be written to the data folder.
        SQLAlchemyError: the database cannot be used; see `packslip.db_failures`.
    """
    # On PostgreSQL the migrations themselves see to it that others wait, on all machines.
    with _alone_on_this_machine():
        current, newest = schema_revisions()
        if current is None or current < newest:
            migrating.upgrade()
            return
    if current == newest:
        return
    if schema_fault() is not None:
        raise NewerSchemaError(current, _works_with(), newest)
    log.warning("the schema is newer, and works with this version", at=current, known=newest)


def note_what_it_works_with(connection: Connection, oldest: str) -> None:
    """Keep, after migrations, the oldest revision whose version of Packslip can use the schema."""
    if not inspect(connection).has_table(SchemaState.__tablename__):
        return
    connection.execute(
        text(
            "INSERT INTO schema_state (id, works_with) VALUES (1, :oldest)"
            " ON CONFLICT (id) DO UPDATE SET works_with = excluded.works_with"
        ),
        {"oldest": oldest},
    )


def _works_with() -> str | None:
    with db.engine.connect() as connection:
        if not inspect(connection).has_table(SchemaState.__tablename__):
            return None
        found = connection.execute(text("SELECT works_with FROM schema_state WHERE id = 1"))
        return found.scalar()


@contextmanager
def _alone_on_this_machine() -> Iterator[None]:
    folder = Path(current_app.instance_path)
    try:
        lock = (folder / "migrate.lock").open("w")
    except OSError as error:
        raise DataFolderError(folder, error) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
