"""Changes of the schema that lock no big table, for migrations."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from alembic import op
from sqlalchemy import Connection, Engine, event, text

#: How long a change waits for a table on PostgreSQL. All others who want it wait behind.
LOCK_TIMEOUT = "4s"

#: The advisory lock of PostgreSQL that whoever migrates holds.
_LOCK = 0x7061_636B_6D69_6772

#: Seconds between two tries to get it.
_POLL = 0.2


def create_index(name: str, table: str, columns: Sequence[str], *, unique: bool = False) -> None:
    """Index a table that may be big and in use. On PostgreSQL it is not part of a transaction.

    Done again after it was cut off, it begins anew.
    """
    if op.get_bind().dialect.name == "sqlite":
        op.create_index(name, table, columns, unique=unique)
        return
    with op.get_context().autocommit_block():
        # One that was cut off stays behind, and is of no use.
        op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
        op.create_index(name, table, columns, unique=unique, postgresql_concurrently=True)


def drop_index(name: str, table: str) -> None:
    """Drop an index of a table that may be big and in use."""
    if op.get_bind().dialect.name == "sqlite":
        op.drop_index(name, table)
        return
    with op.get_context().autocommit_block():
        op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)


@contextmanager
def migrating_alone(engine: Engine) -> Iterator[None]:
    """Keep others from migrating the same database of PostgreSQL, on whatever machine.

    The lock belongs to a transaction, so that PgBouncer can stand between, and ends with it.
    """
    if engine.dialect.name == "sqlite":
        yield
        return
    with engine.connect() as connection:
        # Whoever waited for the lock in a statement would be waited for by CREATE INDEX
        # CONCURRENTLY in turn.
        while not connection.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _LOCK}):
            connection.rollback()
            time.sleep(_POLL * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield
        connection.rollback()


def lock_tables_briefly(connection: Connection) -> None:
    """Let no transaction of a migration wait long for a table on PostgreSQL."""

    @event.listens_for(connection, "begin")
    def set_timeouts(connection: Connection) -> None:
        # What makes an index without a transaction waits for others without being in their way.
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
