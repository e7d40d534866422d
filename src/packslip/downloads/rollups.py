"""Downloads summed up by day, so that a page costs the same however many there were."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple, Self, cast

from sqlalchemy import Table, func, literal, select, update
from sqlalchemy.orm import Session

from packslip.db import add_up, dialect_insert
from packslip.downloads.models import (
    WHOLE_INDEX,
    Dimension,
    DownloadSum,
    DownloadTotal,
)
from packslip.packages.models import Package, Release

#: Days that count as recent, today among them.
RECENT_DAYS = 30

_Key = tuple[str, Dimension, date, str]


def sum_up(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows of `downloads` to the sums, in the transaction that inserts them."""
    # Most rows are like others.
    alike = Counter(map(_Alike.of, rows))
    versions = _versions(session, {one.release_id for one in alike})
    sums: Counter[_Key] = Counter()
    for one, number in alike.items():
        for key in _keys(one, versions.get(one.release_id, "")):
            sums[key] += number
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
    _add_to_totals(session, rows)


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


class _Alike(NamedTuple):
    """What downloads have in common that are summed up together."""

    package_id: str
    release_id: int
    day: date
    installer: str | None
    python_version: str | None
    system: str | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        return cls(
            row["package_id"],
            row["release_id"],
            row["created_at"].astimezone(UTC).date(),
            row.get("installer"),
            row.get("python_version"),
            row.get("system"),
        )


def _keys(alike: _Alike, version: str) -> Iterable[_Key]:
    package_id, day = alike.package_id, alike.day
    shared = (
        (Dimension.TOTAL, ""),
        (Dimension.INSTALLER, alike.installer or ""),
        (Dimension.PYTHON, minor_version(alike.python_version)),
        (Dimension.SYSTEM, alike.system or ""),
    )
    for dimension, value in shared:
        yield package_id, dimension, day, value
        yield WHOLE_INDEX, dimension, day, value
    yield package_id, Dimension.RELEASE, day, version


def minor_version(version: str | None) -> str:
    """The version of a Python as people speak of it: `3.12` for `3.12.1`."""
    return ".".join(version.split(".")[:2]) if version else ""


def _versions(session: Session, release_ids: Iterable[int]) -> dict[int, str]:
    query = select(Release.id, Release.version).where(Release.id.in_(sorted(release_ids)))
    return {release: version for release, version in session.execute(query)}  # noqa: C416 - typed


def _add_to_totals(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    today = datetime.now(UTC).date()
    first_recent = today - timedelta(days=RECENT_DAYS - 1)
    found: dict[str, dict[str, Any]] = {}
    moments: defaultdict[str, list[datetime]] = defaultdict(list)
    for row in rows:
        moments[row["package_id"]].append(row["created_at"].astimezone(UTC))
    moments[WHOLE_INDEX] = [at for one in moments.values() for at in one]
    for package_id, times in moments.items():
        found[package_id] = {
            "package_id": package_id,
            "downloads": len(times),
            "recent": sum(at.date() >= first_recent for at in times),
            "last_at": max(times),
            "recent_on": today,
        }
    ordered = [found[package_id] for package_id in sorted(found)]
    add_up(session, DownloadTotal, ordered, add=["downloads", "recent"], latest=["last_at"])
