"""What is asked of the records of downloads."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, SQLColumnExpression, func, select
from sqlalchemy.orm import Session

from packslip.db import utc_day
from packslip.downloads.models import Download
from packslip.packages.models import Release


class By(StrEnum):
    """What downloads are counted by."""

    PACKAGE = "package"
    RELEASE = "release"
    DAY = "day"
    INSTALLER = "installer"
    PYTHON = "python"
    SYSTEM = "system"


_KEYS: dict[By, SQLColumnExpression[Any]] = {
    By.PACKAGE: Download.package_id,
    By.DAY: utc_day(Download.created_at),
    By.INSTALLER: Download.installer,
    By.PYTHON: Download.python_version,
    By.SYSTEM: Download.system,
}


@dataclass(frozen=True)
class DownloadCount:
    """The number of downloads that have something in common.

    `key` is a package, a day (YYYY-MM-DD, UTC), an installer, a Python version (X.Y) or a system;
    None stands for those of which it is not known. A release is `package` and `key`, its version,
    which is None once the release was removed.
    """

    key: str | None
    downloads: int
    package: str | None = None


def count_downloads(
    session: Session,
    by: By,
    *,
    package_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[DownloadCount]:
    """Count downloads from `since` up to but without `until`, of one package or of all.

    The largest count comes first; days come in order.
    """
    if by is By.RELEASE:
        return _count_by_release(session, package_id, since, until)
    key = _KEYS[by]
    query = _restrict(select(key, func.count()), package_id, since, until).group_by(key)
    rows = [(found, number) for found, number in session.execute(query)]
    if by is By.DAY:
        return [DownloadCount(day, number) for day, number in sorted(rows)]
    counter: Counter[str | None] = Counter()
    for found, number in rows:
        counter[_minor(found) if by is By.PYTHON else found] += number
    return [DownloadCount(found, number) for found, number in _largest_first(counter)]


def has_downloads(session: Session, package_id: str) -> bool:
    """Whether the package was ever downloaded."""
    query = select(Download.id).where(Download.package_id == package_id).limit(1)
    return session.scalar(query) is not None


def _count_by_release(
    session: Session, package_id: str | None, since: datetime | None, until: datetime | None
) -> list[DownloadCount]:
    query = _restrict(
        select(Download.package_id, Release.version, func.count()), package_id, since, until
    )
    query = query.outerjoin(Release, Release.id == Download.release_id)
    query = query.group_by(Download.package_id, Release.version)
    counter = {(package, version): number for package, version, number in session.execute(query)}
    return [
        DownloadCount(version, number, package)
        for (package, version), number in sorted(
            counter.items(), key=lambda item: (-item[1], item[0][0], item[0][1] or "")
        )
    ]


def _restrict(
    query: Select[*tuple[Any, ...]],
    package_id: str | None,
    since: datetime | None,
    until: datetime | None,
) -> Select[*tuple[Any, ...]]:
    if package_id is not None:
        query = query.where(Download.package_id == package_id)
    if since is not None:
        query = query.where(Download.created_at >= since)
    if until is not None:
        query = query.where(Download.created_at < until)
    return query


def _largest_first(counter: Counter[str | None]) -> list[tuple[str | None, int]]:
    return sorted(counter.items(), key=lambda item: (-item[1], item[0] or ""))


def _minor(version: str | None) -> str | None:
    return ".".join(version.split(".")[:2]) if version else None
