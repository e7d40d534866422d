"""The database: base class, column types, and all that differs between SQLite and PostgreSQL."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, cast

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as BoundSession
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
    func,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, registry
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from packslip import connecting
from packslip.connecting import AT_ONCE, BUSY_TIMEOUT, WRITE
from packslip.db_failures import is_busy, is_full, is_read_only
from packslip.errors import StorageFullError, UnavailableError

#: Gives a connection whose transactions take SQLite's write lock at their start.
WRITING: Mapping[str, bool] = {WRITE: True}

#: Milliseconds for which a transaction that must not wait does so on PostgreSQL.
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


#: Where a session keeps the engine of the replica that it reads from.
_REPLICA = "packslip_replica"


class _Session(BoundSession):
    """A session that may read from a replica."""

    def get_bind(self, *args: Any, **kwargs: Any) -> Engine | Connection:
        """The replica's engine while that is to be read from, else the database's."""
        replica: Engine | None = self.info.get(_REPLICA)
        if replica is not None and kwargs.get("bind") is None:
            return replica
        return super().get_bind(*args, **kwargs)


db = SQLAlchemy(model_class=Base, session_options={"class_": _Session})


def init_app(app: Flask) -> None:
    """Bind the application to its database."""
    db.init_app(app)
    with app.app_context():
        connecting.prepare(db.engine)


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


def read_from(session: Session, replica: Engine | None) -> None:
    """Have the session read from the replica until it writes, or from the database itself."""
    session.info[_REPLICA] = replica


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
    read_from(session, None)
    try:
        connection = _begin_writing(session, True if wait else AT_ONCE)
        if connection.dialect.name == "postgresql":
            patience = BUSY_TIMEOUT * 1000 if wait else _HARDLY
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {patience}")
        yield session
        session.commit()
    except DBAPIError as error:
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
    options = {WRITE: how}
    try:
        return session.connection(execution_options=options)
    except DBAPIError as error:
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


def try_exclusively(session: Session, name: str) -> bool:
    """Be the only one to hold this name until the session's transaction ends, or return False.

    The transaction may then be idle for as long as it likes. For PostgreSQL alone.
    """
    digest = hashlib.sha256(f"packslip {name}".encode()).digest()
    key = int.from_bytes(digest[:8], signed=True)
    if not session.scalar(select(func.pg_try_advisory_xact_lock(key))):
        return False
    session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    return True


def is_postgresql(session: Session) -> bool:
    """Whether the session's database is PostgreSQL; it is SQLite otherwise."""
    return session.get_bind().dialect.name == "postgresql"
