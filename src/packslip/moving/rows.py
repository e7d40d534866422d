"""Carrying all rows from one database into another, of whatever kind the two are.

The schema of both is the newest. Rows keep their keys, their times and their order; what the
database derives itself is made anew there. Nobody can write to the source meanwhile.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import (
    Connection,
    Engine,
    Integer,
    RowMapping,
    Table,
    delete,
    func,
    inspect,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from packslip.db import WRITING, Base
from packslip.errors import ConflictError, UnavailableError

#: Rows that are read and committed at a time.
BATCH = 2000

#: Tables whose rows are made of those of others.
DERIVED = frozenset({"page_stamps", "search_entries"})

#: What a database says of its own schema.
_OWN = frozenset({"schema_state"})

#: Is in a database into which rows are being carried, until all of them are there.
_MARK = "packslip_unfinished_move"

#: What an index has rows in as soon as it is used.
_USED = ("users", "packages", "events")

#: Digests are added up, so that the order of rows, which databases see differently, is no matter.
_MODULUS = 2**256

Advance = Callable[[int], None]


class NotEmptyError(ConflictError):
    """The database that rows are to be carried into has some of its own."""

    def __init__(self) -> None:
        super().__init__("The new database is in use already. Name an empty one.")


class UnstorableRowError(UnavailableError):
    """The new database cannot hold what the old one does."""

    def __init__(self, table: str, problem: str) -> None:
        super().__init__(f"A row of the table {table} cannot be stored: {problem}")


class DifferentRowsError(UnavailableError):
    """The rows that arrived are not those that were sent."""

    def __init__(self, table: str) -> None:
        super().__init__(
            f"The table {table} is not the same in both databases: the old one was changed since"
            " the last attempt. Empty the new database and begin again."
        )


@dataclass(frozen=True)
class Content:
    """What a table holds: how many rows, and a digest of all of them in any order."""

    rows: int
    digest: str


def carried_tables() -> list[Table]:
    """The tables whose rows are carried over, those that others refer to first."""
    return [table for table in Base.metadata.sorted_tables if table.name not in DERIVED | _OWN]


def count_rows(connection: Connection) -> int:
    """How many rows there are to carry over."""
    counts = (
        connection.scalar(select(func.count()).select_from(table)) for table in carried_tables()
    )
    return sum(count or 0 for count in counts)


@contextmanager
def closed_for_writing(engine: Engine) -> Iterator[Connection]:
    """Give a connection on which the database is seen as it is now, and keep all others reading."""
    with engine.connect().execution_options(**WRITING) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            names = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
            connection.execute(text(f"LOCK TABLE {names} IN SHARE MODE"))
        yield connection


def prepare(target: Engine) -> None:
    """Make the database ready to take rows: empty, or with those of an attempt that was cut off.

    Raises:
        NotEmptyError: it is in use.
    """
    with target.begin() as connection:
        if inspect(connection).has_table(_MARK):
            return
        tables = Base.metadata.tables
        if any(connection.execute(select(tables[name]).limit(1)).first() for name in _USED):
            raise NotEmptyError
        for table in reversed(Base.metadata.sorted_tables):
            # Migrations put rows into some.
            if table.name not in _OWN:
                connection.execute(delete(table))
        connection.execute(text(f"CREATE TABLE {_MARK} (begun INTEGER)"))


def carry(source: Connection, target: Engine, table: Table, advance: Advance) -> None:
    """Copy the rows of a table that are not there yet.

    Raises:
        UnstorableRowError: a row cannot be stored there.
    """
    insert = _insert(target, table)
    for rows in _batches(source, table, after=_last_key(target, table)):
        try:
            with target.begin() as connection:
                connection.execute(insert, [dict(row) for row in rows])
        except (DBAPIError, ValueError) as error:
            told = str(getattr(error, "orig", None) or error).partition("\n")[0]
            raise UnstorableRowError(table.name, told) from error
        advance(len(rows))


def compare(source: Connection, target: Engine, table: Table, advance: Advance) -> Content:
    """What the table holds in both.

    Raises:
        DifferentRowsError: it is not the same.
    """
    with target.connect() as connection:
        there = content(connection, table, lambda number: None)
    here = content(source, table, advance)
    if here != there:
        raise DifferentRowsError(table.name)
    return here


def content(connection: Connection, table: Table, advance: Advance) -> Content:
    """Count the rows and digest them; the same rows have the same digest in every database."""
    total, number = 0, 0
    for rows in _batches(connection, table):
        for row in rows:
            encoded = msgspec.json.encode(list(row.values()), order="deterministic")
            total += int.from_bytes(hashlib.sha256(encoded).digest())
        number += len(rows)
        advance(len(rows))
    return Content(number, f"{total % _MODULUS:064x}")


def finish(source: Connection, target: Engine) -> None:
    """Let the new database count on where the old one stands, and take the mark away."""
    with target.begin() as connection:
        for table in carried_tables():
            key = table.autoincrement_column
            if key is not None:
                _set_next(connection, table, key.name, _last_given(source, table, key.name))
        connection.execute(text(f"DROP TABLE {_MARK}"))


def _batches(connection: Connection, table: Table, after: Any = None) -> Iterator[list[RowMapping]]:
    keys = list(table.primary_key)
    query = select(table).order_by(*keys).limit(BATCH)
    last = None if after is None else (after,)
    while True:
        wanted = query if last is None else query.where(tuple_(*keys) > tuple_(*last))
        rows = list(connection.execute(wanted).mappings())
        if rows:
            yield rows
        if len(rows) < BATCH:
            return
        last = tuple(rows[-1][key] for key in keys)


def _last_key(target: Engine, table: Table) -> Any:
    """The last row that an attempt before has carried over; None where all are looked at."""
    keys = list(table.primary_key)
    if len(keys) != 1 or not isinstance(keys[0].type, Integer) or _refers_to_itself(table):
        return None
    with target.connect() as connection:
        return connection.scalar(select(func.max(keys[0])))


def _refers_to_itself(table: Table) -> bool:
    return any(key.column.table is table for key in table.foreign_keys)


def _insert(target: Engine, table: Table) -> postgresql.Insert | sqlite.Insert:
    insert = postgresql.insert if target.dialect.name == "postgresql" else sqlite.insert
    return insert(table).on_conflict_do_nothing()


def _last_given(source: Connection, table: Table, key: str) -> int:
    """The largest number that a row of the table ever had, be it gone."""
    highest = source.scalar(select(func.max(table.c[key]))) or 0
    if source.dialect.name == "postgresql":
        sequence = source.scalar(
            text("SELECT pg_get_serial_sequence(:table, :key)"), {"table": table.name, "key": key}
        )
        if sequence is None:
            return int(highest)
        query = text(f"SELECT last_value, is_called FROM {sequence}")  # noqa: S608
        row = source.execute(query).one()
        return max(int(highest), row.last_value if row.is_called else 0)
    if not table.dialect_options["sqlite"]["autoincrement"]:
        return int(highest)
    query = text("SELECT seq FROM sqlite_sequence WHERE name = :table")
    return max(int(highest), source.scalar(query, {"table": table.name}) or 0)


def _set_next(target: Connection, table: Table, key: str, last: int) -> None:
    if not last:
        return
    if target.dialect.name == "postgresql":
        target.execute(
            text("SELECT setval(pg_get_serial_sequence(:table, :key), :last)"),
            {"table": table.name, "key": key, "last": last},
        )
    elif table.dialect_options["sqlite"]["autoincrement"]:
        named = {"table": table.name, "last": last}
        target.execute(text("DELETE FROM sqlite_sequence WHERE name = :table"), named)
        target.execute(
            text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :last)"), named
        )
