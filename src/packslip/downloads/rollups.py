"""Downloads summed up by day, so that a page costs the same however many there were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import Any, cast

from sqlalchemy import Table, func, literal, select, update
from sqlalchemy.orm import Session

from packslip.db import dialect_insert
from packslip.downloads.models import (
    WHOLE_INDEX,
    Dimension,
    DownloadSum,
    DownloadTotal,
)
from packslip.many_rows import add_up, among
from packslip.packages.models import Package, Release

#: Days that count as recent, today among them.
RECENT_DAYS = 30

_Row = Mapping[str, Any]
_Key = tuple[str, Dimension, date, str]


def sum_up(session: Session, rows: Sequence[_Row]) -> None:
    """Add rows of `downloads` to the sums, in the transaction that inserts them."""
    sums = _sums(rows, _versions(session, {row["release_id"] for row in rows}))
    add_up(
        session,
        DownloadSum,
        [
            {
                "package_id": package_id,
                "dimension": dimension,
                "day": day,
                "value": value,
                "downloads": number,
            }
            for (package_id, dimension, day, value), number in sorted(sums.items())
        ],
        add=["downloads"],
    )
    _add_to_totals(session, sums, rows)


def refresh_recent(session: Session, today: date) -> bool:
    """Count the recent downloads of all packages anew, if that was not done today (UTC).

    What was recent yesterday may not be so today. Returns whether there was anything to do; many
    may call it at once.
    """
    whole = session.get(DownloadTotal, WHOLE_INDEX, with_for_update=True, populate_existing=True)
    if whole is None or whole.recent_on >= today:
        return False
    counted = (
        select(func.coalesce(func.sum(DownloadSum.downloads), 0))
        .where(
            DownloadSum.package_id == DownloadTotal.package_id,
            DownloadSum.dimension == Dimension.TOTAL,
            DownloadSum.day > today - timedelta(days=RECENT_DAYS),
        )
        .scalar_subquery()
    )
    session.execute(
        update(DownloadTotal)
        .where(DownloadTotal.recent > 0)
        .values(recent=counted)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(DownloadTotal)
        .where(DownloadTotal.package_id == WHOLE_INDEX)
        .values(recent_on=today)
        .execution_options(synchronize_session=False)
    )
    return True


def note_never_downloaded(session: Session, today: date) -> None:
    """Give packages that nobody downloaded a total of nothing, so that these can be listed.

    Their `last_at` is when they came. Done once a day, it finds all that are old enough to matter.
    """
    missing = (
        select(Package.id, literal(0), literal(0), Package.created_at, literal(today))
        .outerjoin(DownloadTotal, DownloadTotal.package_id == Package.id)
        .where(DownloadTotal.package_id.is_(None))
    )
    columns = ["package_id", "downloads", "recent", "last_at", "recent_on"]
    insert = dialect_insert(session, cast("Table", DownloadTotal.__table__))
    session.execute(insert.from_select(columns, missing).on_conflict_do_nothing())


def _sums(rows: Iterable[_Row], versions: Mapping[int, str]) -> Mapping[_Key, int]:
    sums = Counter(key for row in rows for key in _keys(row, versions.get(row["release_id"], "")))
    of_packages = [(key, number) for key, number in sums.items() if key[1] != Dimension.RELEASE]
    for (_, dimension, day, value), number in of_packages:
        sums[WHOLE_INDEX, dimension, day, value] += number
    return sums


def _keys(row: _Row, version: str) -> Iterable[_Key]:
    package_id = row["package_id"]
    day = row["created_at"].astimezone(UTC).date()
    return (
        (package_id, Dimension.TOTAL, day, ""),
        (package_id, Dimension.RELEASE, day, version),
        (package_id, Dimension.INSTALLER, day, row.get("installer") or ""),
        (package_id, Dimension.PYTHON, day, minor_version(row.get("python_version"))),
        (package_id, Dimension.SYSTEM, day, row.get("system") or ""),
    )


@lru_cache(maxsize=1024)
def minor_version(version: str | None) -> str:
    """The version of a Python as people speak of it: `3.12` for `3.12.1`."""
    return ".".join(version.split(".")[:2]) if version else ""


def _versions(session: Session, release_ids: Iterable[int]) -> dict[int, str]:
    query = select(Release.id, Release.version).where(among(session, Release.id, release_ids))
    return {release: version for release, version in session.execute(query)}  # noqa: C416 - typed


def _add_to_totals(session: Session, sums: Mapping[_Key, int], rows: Sequence[_Row]) -> None:
    today = datetime.now(UTC).date()
    first_recent = today - timedelta(days=RECENT_DAYS - 1)
    last: dict[str, datetime] = {}
    for row in sorted(rows, key=itemgetter("created_at")):
        last[row["package_id"]] = last[WHOLE_INDEX] = row["created_at"]
    downloads, recent = Counter[str](), Counter[str]()
    for (package_id, dimension, day, _), number in sums.items():
        if dimension == Dimension.TOTAL:
            downloads[package_id] += number
            recent[package_id] += number if day >= first_recent else 0
    totals = [
        {
            "package_id": package_id,
            "downloads": downloads[package_id],
            "recent": recent[package_id],
            "last_at": last[package_id],
            "recent_on": today,
        }
        for package_id in sorted(downloads)
    ]
    add_up(session, DownloadTotal, totals, add=["downloads", "recent"], latest=["last_at"])
