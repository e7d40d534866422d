"""How SQLAlchemy's connections are made, kept and checked, on SQLite and on PostgreSQL."""

from __future__ import annotations

import select
import sqlite3
import time
from typing import Any

from sqlalchemy import Connection, Engine, event, make_url
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from packslip.db_failures import READ_ONLY

#: Seconds for which a writer waits for another one.
BUSY_TIMEOUT = 20

#: Connections to SQLite that a process keeps. Threads that serve wait for a free one; none keeps
#: one while it waits for a client.
MOST_CONNECTIONS = 24

#: The execution option that makes a transaction on SQLite take the write lock at its start: True,
#: or `AT_ONCE` when it must not wait for it.
WRITE = "packslip_write"
AT_ONCE = "at once"

#: How connections to PostgreSQL are made, unless the address says otherwise. What waits for a
#: server that is cut off gives up after about 20 seconds. PgBouncer, which gives each transaction
#: another connection, knows neither prepared statements nor `options`.
_ON_POSTGRESQL: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "application_name": "packslip",
    "prepare_threshold": None,
}

#: Seconds for which a request waits until another one gives a connection to PostgreSQL back.
_POOL_TIMEOUT = 10

#: Seconds after which a connection to PostgreSQL is replaced: firewalls forget old ones.
_RECYCLE = 1800

#: Seconds for which a connection is trusted that was used, unless the server ended it.
_TRUSTED = 5.0

_RETURNED = "packslip_returned"


def engine_options(url: str, connections: int = MOST_CONNECTIONS) -> dict[str, Any]:
    """Options for the engine that opens `url`; to PostgreSQL with so many connections at most."""
    # An error that is logged would otherwise show the values, hashes of passwords among them.
    options: dict[str, Any] = {"hide_parameters": True}
    if url.startswith("sqlite"):
        return options | {
            "pool_size": MOST_CONNECTIONS,
            "connect_args": {"timeout": BUSY_TIMEOUT},
        }
    given = make_url(url).query
    return options | {
        "pool_size": connections,
        "max_overflow": 0,
        "pool_timeout": _POOL_TIMEOUT,
        "pool_recycle": _RECYCLE,
        # The same few serve while there is little to do.
        "pool_use_lifo": True,
        "connect_args": {
            name: value for name, value in _ON_POSTGRESQL.items() if name not in given
        },
    }


def prepare(engine: Engine) -> None:
    """See to connections of the engine from now on."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "checkin", _note_return)
        event.listen(engine, "checkout", _check)
        event.listen(engine, "handle_error", _leave_replica)


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
    write = connection.get_execution_options().get(WRITE)
    if write != AT_ONCE:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
        return
    connection.exec_driver_sql("PRAGMA busy_timeout = 0")
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_TIMEOUT * 1000}")


def _note_return(connection: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
    entry.info[_RETURNED] = time.monotonic()


def _check(connection: Any, entry: ConnectionPoolEntry, proxy: PoolProxiedConnection) -> None:
    """Have a connection replaced that has ended since it was used, and all that are as old.

    A server that goes says so on its connections, so that most need not be asked.
    """
    returned = entry.info.get(_RETURNED)
    if returned is None:
        return
    if time.monotonic() - returned < _TRUSTED and not _says_something(connection):
        return
    try:
        connection.autocommit = True
        connection.execute("")
        connection.autocommit = False
    except connection.OperationalError as error:
        raise InvalidatePoolError from error


def _says_something(connection: Any) -> bool:
    poller = select.poll()
    poller.register(connection.pgconn.socket, select.POLLIN)
    return bool(poller.poll(0))


def _leave_replica(context: ExceptionContext) -> None:
    """Connect again after a primary became a replica: the address may lead elsewhere now."""
    if getattr(context.original_exception, "sqlstate", None) == READ_ONLY:
        context.is_disconnect = True
