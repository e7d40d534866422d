"""What is asked of the records of downloads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, bindparam, case, func, select, true
from sqlalchemy.orm import Session

from packslip.downloads.models import (
    WHOLE_INDEX,
    Dimension,
    Download,
    DownloadSum,
    DownloadTotal,
)


class By(StrEnum):
    """What downloads are counted by."""

    PACKAGE = "package"
    RELEASE = "release"
    DAY = "day"
    INSTALLER = "installer"
    PYTHON = "python"
    SYSTEM = "system"


_DIMENSIONS = {
    By.PACKAGE: Dimension.TOTAL,
    By.RELEASE: Dimension.RELEASE,
    By.DAY: Dimension.TOTAL,
    By.INSTALLER: Dimension.INSTALLER,
    By.PYTHON: Dimension.PYTHON,
    By.SYSTEM: Dimension.SYSTEM,
}

_COLUMNS: dict[By, tuple[SQLColumnExpression[Any], ...]] = {
    By.PACKAGE: (DownloadSum.package_id,),
    By.RELEASE: (DownloadSum.package_id, DownloadSum.value),
    By.DAY: (DownloadSum.day,),
}


@dataclass(frozen=True)
class DownloadCount:
    """The number of downloads that have something in common.

    `key` is a package, a day (YYYY-MM-DD, UTC), an installer, a Python version (X.Y) or a system;
    None stands for those of which it is not known. A release is `package` and `key`, its version,
    which is None for what was removed before it was counted.
    """

    key: str | None
    downloads: int
    package: str | None = None


@dataclass(frozen=True)
class Downloaders:
    """Who downloaded something of late, as far as it was looked back."""

    #: By the user's key; those of nobody who is known are left out.
    by_user: dict[int, int]
    #: How many downloads there were, those of nobody who is known among them.
    downloads: int
    #: False when there were more downloads of the package than were looked at.
    is_all: bool


_TOTAL = select(DownloadTotal.downloads).where(DownloadTotal.package_id == bindparam("package_id"))

#: So many downloads of a package are looked at to tell who they were.
LOOKED_AT = 20_000


def count_downloads(
    session: Session,
    by: By,
    *,
    package_id: str | None = None,
    first: date | None = None,
    last: date | None = None,
) -> list[DownloadCount]:
    """Count downloads from the first day to the last one, of one package or of all.

    The largest count comes first; days come in order. It is read from the sums of each day, so it
    takes the same time however many downloads there were.
    """
    columns = _COLUMNS.get(by, (DownloadSum.value,))
    query = select(*columns, func.sum(DownloadSum.downloads)).where(
        DownloadSum.dimension == _DIMENSIONS[by]
    )
    if package_id is not None:
        query = query.where(DownloadSum.package_id == package_id)
    elif by in {By.PACKAGE, By.RELEASE}:
        query = query.where(DownloadSum.package_id != WHOLE_INDEX)
    else:
        query = query.where(DownloadSum.package_id == WHOLE_INDEX)
    if first is not None:
        query = query.where(DownloadSum.day >= first)
    if last is not None:
        query = query.where(DownloadSum.day <= last)
    counts = [_count(by, *row) for row in session.execute(query.group_by(*columns))]
    if by is By.DAY:
        return sorted(counts, key=lambda count: count.key or "")
    return sorted(counts, key=lambda c: (-c.downloads, c.package or "", c.key or ""))


def has_downloads(session: Session, package_id: str) -> bool:
    """Whether the package was ever downloaded."""
    return total_downloads(session, package_id) > 0


def total_downloads(session: Session, package_id: str = WHOLE_INDEX) -> int:
    """How often files of the package, or of all, were ever downloaded."""
    return session.scalar(_TOTAL, {"package_id": package_id}) or 0


def recent_downloaders(
    session: Session,
    package_id: str,
    since: datetime,
    *,
    release_id: int | None = None,
    filename: str | None = None,
) -> Downloaders:
    """Who downloaded the package since then, or one release or file of it.

    Only its latest downloads are looked at, `LOOKED_AT` of them.
    """
    latest = (
        select(Download.user_id, Download.release_id, Download.file)
        .where(Download.package_id == package_id, Download.created_at >= since)
        .order_by(Download.created_at.desc())
        .limit(LOOKED_AT)
        .subquery()
    )
    wanted: ColumnElement[bool] = true()
    if filename is not None:
        wanted = latest.c.file == filename
    elif release_id is not None:
        wanted = latest.c.release_id == release_id
    matching = func.sum(case((wanted, 1), else_=0))
    query = select(latest.c.user_id, func.count(), matching).group_by(latest.c.user_id)
    rows = session.execute(query).all()
    return Downloaders(
        by_user={row[0]: int(row[2]) for row in rows if row[0] is not None and row[2]},
        downloads=sum(int(row[2]) for row in rows),
        is_all=sum(row[1] for row in rows) < LOOKED_AT,
    )


def _count(by: By, *row: Any) -> DownloadCount:
    downloads = int(row[-1])
    if by is By.RELEASE:
        return DownloadCount(row[1] or None, downloads, row[0])
    key = row[0].isoformat() if by is By.DAY else row[0] or None
    return DownloadCount(key, downloads)
