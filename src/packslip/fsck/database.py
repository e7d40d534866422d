"""Whether the database itself is whole."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import text

from packslip.db import is_postgresql
from packslip.fsck.findings import Finding, Kind, Place

#: Faults that are told; a damaged database has many.
_MOST = 20


def check_database(place: Place) -> Iterator[Finding | None]:
    """Ask SQLite whether its file is whole; PostgreSQL has tools of its own for that."""
    if not is_postgresql(place.session):
        check = "quick_check" if place.quick else "integrity_check"
        told = place.session.scalars(text(f"PRAGMA {check}({_MOST})")).all()
        for fault in told:
            if fault != "ok":
                yield _finding(str(fault))
        strays = place.session.execute(text("PRAGMA foreign_key_check")).all()
        for table, _, parent, _ in strays[:_MOST]:
            yield _finding(f"a row of {table} refers to one of {parent} that is not there")
    place.session.rollback()
    yield None


def _finding(reason: str) -> Finding:
    return Finding(Kind.DATABASE, "the database", f"{reason}; restore it from a backup", None)
