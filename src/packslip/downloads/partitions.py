"""The parts of `downloads` on PostgreSQL, one a month.

A part is made before its month begins. What comes without one, because nobody made it or because
its record was found late, goes to the part `downloads_default`. What was there before the table had
parts is one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from sqlalchemy import inspect, text
from sqlalchemy.orm import Session

from packslip.db import is_postgresql, write_transaction

#: Months after the current one whose parts there are.
AHEAD = 2

DEFAULT = "downloads_default"

_NAME = re.compile(r"downloads_(before_)?([0-9]{4})_([0-9]{2})")


def is_partition(name: str | None) -> bool:
    """Whether a table of that name is a part of `downloads`."""
    return name == DEFAULT or bool(name and _NAME.fullmatch(name))


def partition_of(month: date) -> str:
    """The name of the part for a month, of which any day is given."""
    return f"downloads_{month:%Y_%m}"


def everything_before(month: date) -> str:
    """The name of the part for all that was before the month's first day."""
    return f"downloads_before_{month:%Y_%m}"


def end_of(name: str) -> date | None:
    """The day before which all of the part is; None for the default one."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    month = date(int(found[2]), int(found[3]), 1)
    return month if found[1] else next_month(month)


def next_month(day: date) -> date:
    """The first day of the month after that day's."""
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def list_partitions(session: Session) -> list[str]:
    """The names of all parts, the default one included."""
    return sorted(filter(is_partition, inspect(session.connection()).get_table_names()))


def make_partitions(session: Session, today: date) -> list[str]:
    """Make the parts for this month and those ahead that are not there; give their names.

    Each is made in a transaction of its own, which waits for no other one for long.

    Raises:
        UnavailableError: the table was in use for too long.
    """
    if not is_postgresql(session):
        return []
    there = list_partitions(session)
    session.rollback()
    made = [month for month in _months(today) if not _is_covered(month, there)]
    for month in made:
        with write_transaction(session):
            _make_partition(session, month)
    return [partition_of(month) for month in made]


def drop_partition(session: Session, name: str) -> None:
    """Drop a part with all that is in it.

    Raises:
        UnavailableError: the table was in use for too long.
    """
    with write_transaction(session):
        _hurry(session)
        session.execute(text(f"DROP TABLE {name}"))


def _months(today: date) -> Iterable[date]:
    month = today.replace(day=1)
    for _ in range(AHEAD + 1):
        yield month
        month = next_month(month)


def _is_covered(month: date, there: Iterable[str]) -> bool:
    def covers(name: str) -> bool:
        end = end_of(name)
        is_old = name.startswith("downloads_before_")
        return name == partition_of(month) or (is_old and end is not None and month < end)

    return any(map(covers, there))


def _make_partition(session: Session, month: date) -> None:
    # Attached rather than made as a part, it lets others go on writing.
    name, first, end = partition_of(month), month, next_month(month)
    bounds = {"first": f"{first} 00:00:00+00", "end": f"{end} 00:00:00+00"}
    _hurry(session)
    session.execute(text(f"CREATE TABLE {name} (LIKE downloads INCLUDING ALL)"))
    # What came without its part moves into it, or it could not be attached.
    session.execute(text(f"LOCK TABLE {DEFAULT} IN ACCESS EXCLUSIVE MODE"))
    session.execute(
        text(
            f"WITH moved AS (DELETE FROM {DEFAULT}"  # noqa: S608 - names of our own
            " WHERE created_at >= CAST(:first AS timestamptz)"
            " AND created_at < CAST(:end AS timestamptz) RETURNING *)"
            f" INSERT INTO {name} SELECT * FROM moved"
        ),
        bounds,
    )
    session.execute(
        text(
            f"ALTER TABLE downloads ATTACH PARTITION {name}"
            f" FOR VALUES FROM ('{bounds['first']}') TO ('{bounds['end']}')"
        )
    )


def _hurry(session: Session) -> None:
    # All who want the table wait behind whoever waits for it.
    session.execute(text("SET LOCAL lock_timeout = '2s'"))
