"""The database: base class, column types, and all that differs between SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, cast

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    JSON,
    BigInteger,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    TableClause,
    Text,
    TypeDecorator,
    case,
    event,
    make_url,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, registry
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from packslip.db_failures import is_busy, is_full, is_read_only
from packslip.errors import StorageFullError, UnavailableError

#: Seconds for which a writer waits for another one on SQLite.
SQLITE_BUSY_TIMEOUT = 20

#: Connections that a process keeps. Threads that serve wait for a free one; none keeps one while it
#: waits for a client.
MOST_CONNECTIONS = 24

#: The execution option that makes a transaction on SQLite take the write lock at its start: True,
#: or `_AT_ONCE` when it must not wait for it.
_WRITE = "packslip_write"
_AT_ONCE = "at once"

#: Gives a connection whose transactions take SQLite's write lock at their start.
WRITING: Mapping[str, bool] = {_WRITE: True}

#: Milliseconds for which a transaction that must not wait does so on PostgreSQL; 0 means for ever.
_HARDLY = 10


class UTCDateTime(TypeDecorator[datetime]):
    """A moment in UTC. Naive times are refused; what comes back is timezone-aware UTC.

    SQLite keeps text without an offset, always in UTC and with six digits of a second, so that
    text order is time order.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a timezone: {value!r}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class utc_now(FunctionElement[datetime]):  # noqa: N801 - reads as the SQL function that it is
    """The database's clock, in the form in which `UTCDateTime` is kept."""

    type = UTCDateTime()
    inherit_cache = True


@compiles(utc_now)
def _utc_now(element: utc_now, compiler: SQLCompiler, **kw: Any) -> str:
    return "clock_timestamp()"


@compiles(utc_now, "sqlite")
def _utc_now_sqlite(element: utc_now, compiler: SQLCompiler, **kw: Any) -> str:
    return "(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')"


#: A text that sorts by its bytes on both databases, whatever the database's locale.
BytewiseText = String().with_variant(String(collation="C"), "postgresql")


def is_key(number: int) -> bool:
    """Whether a row may have that number as its key; databases refuse to look for others."""
    return 0 < number < 2**63


#: A number of 64 bits; SQLite counts up automatically only in a column of type INTEGER.
BigId = BigInteger().with_variant(Integer, "sqlite")

BigKey = Annotated[int, mapped_column(BigId, primary_key=True, autoincrement=True)]


class Base(DeclarativeBase):
    """What every model derives from."""

    registry = registry(
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={
            datetime: UTCDateTime,
            str: Text,
            dict[str, Any]: JSON,
            list[str]: JSON,
        },
    )


#: For the `__table_args__` of a table whose numbers must not come again after a removal: events
#: and downloads go on naming them.
NO_REUSE = {"sqlite_autoincrement": True}


class Created:
    """Adds `created_at`, set by the database."""

    created_at: Mapped[datetime] = mapped_column(server_default=utc_now(), index=True)


class Changed(Created):
    """Adds `created_at` and `updated_at`; the latter moves with every update."""

    updated_at: Mapped[datetime] = mapped_column(server_default=utc_now(), onupdate=utc_now())


db = SQLAlchemy(model_class=Base)


def init_app(app: Flask) -> None:
    """Bind the application to its database."""
    db.init_app(app)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            _prepare_sqlite(db.engine)


def engine_options(url: str) -> dict[str, Any]:
    """Options for the engine that opens `url`."""
    # An error that is logged would otherwise show the values, hashes of passwords among them.
    options: dict[str, Any] = {"hide_parameters": True, "pool_size": MOST_CONNECTIONS}
    if url.startswith("sqlite"):
        return options | {"connect_args": {"timeout": SQLITE_BUSY_TIMEOUT}}
    # A server that is cut off would otherwise be waited for as long as the system does.
    hasty = {} if "connect_timeout" in make_url(url).query else {"connect_timeout": 5}
    return options | {"pool_pre_ping": True, "connect_args": hasty}


def open_reader(engine: Engine) -> sqlite3.Connection | None:
    """A connection to SQLite, for one thread, that only reads and never waits; None elsewhere.

    Raises:
        sqlite3.Error: the database cannot be opened.
    """
    if engine.dialect.name != "sqlite" or engine.url.database is None:
        return None
    connection = sqlite3.connect(engine.url.database, timeout=0, isolation_level=None)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _prepare_sqlite(engine: Engine) -> None:
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)


def _configure_sqlite(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
    # sqlite3 would otherwise begin transactions by itself, too late and never for a read.
    connection.isolation_level = None
    cursor = connection.cursor()
    # WAL lets readers go on while somebody writes. FULL syncs the log at each commit: an
    # acknowledged change survives the loss of power, not only of the process.
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once, without waiting, if another
    # one wrote in between. A writer therefore takes the lock before it reads.
    write = connection.get_execution_options().get(_WRITE)
    if write != _AT_ONCE:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
        return
    connection.exec_driver_sql("PRAGMA busy_timeout = 0")
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {SQLITE_BUSY_TIMEOUT * 1000}")


@contextmanager
def tables_being_copied(connection: Connection) -> Iterator[None]:
    """Run migrations with SQLite's foreign keys unenforced; PostgreSQL needs no such thing.

    SQLite changes a table by copying it and dropping the old one, and dropping a table deletes
    what refers to it with ON DELETE CASCADE. The copy cannot take the table's name, either, while
    SQLite looks after triggers of others that name it.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    # The pragma has no effect inside a transaction, so it goes around SQLAlchemy, which begins one.
    raw = connection.connection.cursor()
    raw.execute("PRAGMA foreign_keys = OFF")
    raw.execute("PRAGMA legacy_alter_table = ON")
    try:
        yield
        broken = raw.execute("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise RuntimeError(f"rows refer to rows that are not there: {broken[:3]}")
    finally:
        raw.execute("PRAGMA legacy_alter_table = OFF")
        raw.execute("PRAGMA foreign_keys = ON")
        raw.close()


def session() -> Session:
    """The session of the current application context."""
    return db.session()


@contextmanager
def write_transaction(session: Session, *, wait: bool = True) -> Iterator[Session]:
    """Run the block as one transaction that writes, and commit it at the end.

    It begins anew, so what was read before is read again under the lock. On an error everything
    is rolled back. Without `wait` it is given up as soon as it would have to wait for another one.

    Raises:
        UnavailableError: another process held the database for too long, or it can only be read.
        StorageFullError: there is no room left on its disk.
    """
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("changes were made outside of a write transaction")
    session.rollback()
    try:
        connection = _begin_writing(session, True if wait else _AT_ONCE)
        if not wait and connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_HARDLY}")
        yield session
        session.commit()
    except OperationalError as error:
        session.rollback()
        if is_busy(error):
            raise UnavailableError("The database is busy. Please try again.") from error
        if is_full(error):
            raise StorageFullError("There is no room left for the database.") from error
        if is_read_only(error):
            raise UnavailableError("The database can only be read at the moment.") from error
        raise
    except BaseException:
        session.rollback()
        raise


def _begin_writing(session: Session, how: bool | str) -> Connection:
    options = {_WRITE: how}
    try:
        return session.connection(execution_options=options)
    except OperationalError as error:
        if not is_read_only(error):
            raise
        # A connection that was opened while the disk could only be read stays as it is. New ones
        # are not, once the disk is.
        session.rollback()
        session.get_bind().engine.dispose()
        return session.connection(execution_options=options)


def add_if_new(session: Session, row: Base) -> bool:
    """Insert the row and return whether that was possible; a row like it may be there.

    It waits for another transaction that is just inserting such a row.
    """
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return False
    return True


def add_up(
    session: Session,
    model: type[Base],
    rows: Sequence[Mapping[str, Any]],
    *,
    add: Sequence[str] = (),
    latest: Sequence[str] = (),
) -> None:
    """Insert the rows, or change those with the same primary key that are there already.

    The columns to `add` are added to what stands there; of the columns in `latest` the greater
    value stays. Give rows in the same order everywhere: transactions that add to the same ones
    would wait for each other otherwise.
    """
    if not rows:
        return
    table = cast("Table", model.__table__)
    statement = dialect_insert(session, table)
    old, new = table.c, statement.excluded
    changes: dict[str, Any] = {name: old[name] + new[name] for name in add}
    for name in latest:
        changes[name] = case((new[name] > old[name], new[name]), else_=old[name])
    if "updated_at" in old:
        changes["updated_at"] = utc_now()
    keys = [column.name for column in table.primary_key]
    session.execute(statement.on_conflict_do_update(index_elements=keys, set_=changes), rows)


def put(
    session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]], *, key: str
) -> None:
    """Insert the rows, or give those with the same key that are there already these values."""
    if not rows:
        return
    statement = dialect_insert(session, cast("Table", model.__table__))
    changes: dict[str, Any] = {name: statement.excluded[name] for name in rows[0] if name != key}
    if "updated_at" in statement.table.c:
        changes["updated_at"] = utc_now()
    session.execute(statement.on_conflict_do_update(index_elements=[key], set_=changes), rows)


def dialect_insert(session: Session, table: TableClause) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that knows what to do about rows that are there already."""
    if is_postgresql(session):
        return postgresql.insert(table)
    return sqlite.insert(table)


def is_postgresql(session: Session) -> bool:
    """Whether the session's database is PostgreSQL; it is SQLite otherwise."""
    return session.get_bind().dialect.name == "postgresql"
