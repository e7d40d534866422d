"""Thousands of rows at once.

SQLite takes one row after another, which costs it little. PostgreSQL plans each statement anew, so
that all rows go in one, as JSON: the process writes that faster than anything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Select,
    Table,
    Text,
    case,
    column,
    func,
    literal,
    select,
)
from sqlalchemy import cast as as_type
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from packslip.db import Base, dialect_insert, is_postgresql, utc_now

_Column = InstrumentedAttribute[int]
_Insert = postgresql.Insert | sqlite.Insert
_Rows = Sequence[Mapping[str, Any]]


def add_rows(session: Session, model: type[Base], rows: _Rows) -> None:
    """Insert the rows, which all have the same columns; the others have their defaults."""
    _execute(session, dialect_insert(session, cast("Table", model.__table__)), rows)


def add_up(
    session: Session,
    model: type[Base],
    rows: _Rows,
    *,
    add: Sequence[str] = (),
    latest: Sequence[str] = (),
) -> None:
    """Insert the rows, or change those with the same primary key that are there already.

    The columns to `add` are added to what stands there; of the columns in `latest` the greater
    value stays. No two rows may have the same key. Give rows in the same order everywhere:
    transactions that add to the same ones would wait for each other otherwise.
    """
    table = cast("Table", model.__table__)
    statement = dialect_insert(session, table)
    old, new = table.c, statement.excluded
    changes: dict[str, Any] = {name: old[name] + new[name] for name in add}
    for name in latest:
        changes[name] = case((new[name] > old[name], new[name]), else_=old[name])
    if "updated_at" in old:
        changes["updated_at"] = utc_now()
    keys = [one.name for one in table.primary_key]
    _execute(session, statement.on_conflict_do_update(index_elements=keys, set_=changes), rows)


def among(session: Session, column: _Column, values: Iterable[int]) -> ColumnElement[bool]:
    """Whether the column has one of the values, however many they are."""
    document = literal(msgspec.json.encode(sorted(values)).decode(), Text)
    if is_postgresql(session):
        read = func.json_array_elements_text(as_type(document, postgresql.JSON))
    else:
        read = func.json_each(document)
    value = read.table_valued("value").c.value
    return column.in_(select(as_type(value, BigInteger)))


def _execute(session: Session, statement: _Insert, rows: _Rows) -> None:
    if not rows:
        return
    if is_postgresql(session):
        table = cast("Table", statement.table)
        session.execute(statement.from_select(list(rows[0]), _as_json(table, rows)))
    else:
        _execute_tuples(session.connection(), statement, rows)


def _execute_tuples(connection: Connection, statement: _Insert, rows: _Rows) -> None:
    """Hand the rows to the driver, with what SQLAlchemy does for each done for each column."""
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(rows[0]))
    columns = []
    for name in compiled.positiontup or ():
        target = cast("Table", statement.table).c[name]
        convert = target.type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
        values = _values(target, rows)
        columns.append(values if convert is None else list(map(convert, values)))
    connection.exec_driver_sql(str(compiled), list(zip(*columns, strict=True)))


def _values(target: Column[Any], rows: _Rows) -> list[Any]:
    if target.name in rows[0]:
        return [row[target.name] for row in rows]
    assert isinstance(target.default, ScalarElementColumnDefault)
    return [target.default.arg] * len(rows)


def _as_json(table: Table, rows: _Rows) -> Select[Any]:
    columns = [column(name, table.c[name].type) for name in rows[0]]
    document = as_type(literal(msgspec.json.encode(rows).decode(), Text), postgresql.JSON)
    given = func.json_to_recordset(document).table_valued(*columns)
    return select(given.render_derived(with_types=True))
