"""Stamps: whether anything changed that a package's pages rest on, see `packslip.stamping`."""

from __future__ import annotations

import sqlite3

from sqlalchemy import BigInteger, ColumnElement, func, select, text
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from packslip.db import Base, BytewiseText, Created
from packslip.stamping import EVERY_PACKAGE


class PageStamp(Created, Base):
    """How often what a package's pages rest on has changed. It outlives the package."""

    __tablename__ = "page_stamps"

    package_id: Mapped[str] = mapped_column(BytewiseText, primary_key=True)
    stamp: Mapped[int] = mapped_column(BigInteger)


#: Stands for the list of all packages.
ALL_PACKAGES = ""

_OF_ONE = (
    "SELECT coalesce(sum(stamp), 0) FROM page_stamps WHERE package_id IN (:package, :every_package)"
)
#: The same for many, on PostgreSQL, unless that is a replica: those lag.
STAMPS_OF_MANY = (
    "SELECT asked.id, (SELECT coalesce(sum(stamp), 0) FROM page_stamps"  # noqa: S608 - no values
    f" WHERE package_id IN (asked.id COLLATE \"C\", '{EVERY_PACKAGE}'))"
    " FROM unnest($1::text[]) AS asked (id) WHERE NOT pg_is_in_recovery()"
)
#: All that changes the list is an event about a package.
_OF_ALL = (
    "SELECT coalesce(max(id), 0) FROM (SELECT id FROM events WHERE package_id IS NOT NULL"
    " ORDER BY id DESC LIMIT 1) AS latest"
)
_TEXT_OF_ONE, _TEXT_OF_ALL = text(_OF_ONE), text(_OF_ALL)


def stamp_of(session: Session, package_id: str) -> int:
    """A number that is another one after each change of the package, and never the same again.

    With `ALL_PACKAGES` it is that of the list of all. What is read after it is as new, or newer.
    """
    statement = _TEXT_OF_ALL if package_id == ALL_PACKAGES else _TEXT_OF_ONE
    values = {} if package_id == ALL_PACKAGES else _named(package_id)
    return int(session.execute(statement, values).scalar_one())


def stamp_column(package_id: InstrumentedAttribute[str]) -> ColumnElement[int]:
    """The stamp of a statement's package, of the moment of all that it reads."""
    stamps = select(func.coalesce(func.sum(PageStamp.stamp), 0)).where(
        PageStamp.package_id.in_([package_id, EVERY_PACKAGE])
    )
    return stamps.scalar_subquery().label("stamp")


def look_at(connection: sqlite3.Connection, package_id: str) -> int:
    """The same on SQLite, in a few microseconds.

    Raises:
        sqlite3.Error: the database cannot be read at once.
    """
    found = connection.execute(_select(package_id), _named(package_id)).fetchone()
    return int(found[0])


def _named(package_id: str) -> dict[str, str]:
    return {"package": package_id, "every_package": EVERY_PACKAGE}


def _select(package_id: str) -> str:
    return _OF_ALL if package_id == ALL_PACKAGES else _OF_ONE
