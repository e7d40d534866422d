"""How often something was downloaded over a period, day by day and by what is known of clients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.downloads.models import WHOLE_INDEX, Dimension, DownloadSum, DownloadTotal
from packslip.packages.models import Package
from packslip.packages.roles import packages_of

#: The periods that pages offer, in days.
PERIODS = (30, 90, 365)

#: So many values of a breakdown have a line of their own in a chart; the rest is one line.
MAX_SERIES = 8

#: What the rest is called.
OTHER = "other"

#: What is not known is called.
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Period:
    """Whole days in UTC, today being the last."""

    days: int

    @property
    def last(self) -> date:
        return datetime.now(UTC).date()

    @property
    def first(self) -> date:
        return self.last - timedelta(days=self.days - 1)

    def each_day(self) -> list[date]:
        first = self.first
        return [first + timedelta(days=number) for number in range(self.days)]


@dataclass(frozen=True)
class Share:
    """How many downloads have a value, such as an installer, and their part of all (0 to 1)."""

    label: str
    downloads: int
    part: float


@dataclass(frozen=True)
class Series:
    """One line of a chart: a number for each day of the period."""

    label: str
    numbers: list[int]


@dataclass(frozen=True)
class Statistics:
    """Downloads over a period."""

    period: Period
    days: list[date]
    total: Series
    #: By version for a package, else by package where that is told.
    parts: list[Series]
    breakdowns: dict[Dimension, list[Share]]

    @property
    def downloads(self) -> int:
        return sum(self.total.numbers)

    @staticmethod
    def rows(series: Sequence[Series]) -> list[tuple[int, ...]]:
        """What the series have on each day, in their order."""
        return list(zip(*(one.numbers for one in series), strict=True))


@dataclass(frozen=True)
class Unused:
    """A package that nobody downloaded for long; `last_at` is None if nobody ever did."""

    package_id: str
    name: str
    last_at: datetime | None


def package_statistics(session: Session, package_id: str, period: Period) -> Statistics:
    """The downloads of one package."""
    return _statistics(session, _Of(package_id=package_id), period, by_release=True)


def index_statistics(session: Session, period: Period) -> Statistics:
    """The downloads of the whole index."""
    return _statistics(session, _Of(package_id=WHOLE_INDEX), period)


def user_statistics(session: Session, user: User, period: Period) -> Statistics:
    """The downloads of all packages that the user looks after."""
    return _statistics(session, _Of(user_id=user.id), period)


def daily_downloads(session: Session, package_id: str, period: Period) -> list[int]:
    """The package's downloads on each day of the period."""
    return _daily(session, _Of(package_id=package_id), period)


def release_downloads(session: Session, package_id: str, period: Period) -> dict[str, int]:
    """How often each of the package's releases was downloaded in the period, by version."""
    query = (
        select(DownloadSum.value, func.sum(DownloadSum.downloads))
        .where(DownloadSum.package_id == package_id, DownloadSum.dimension == Dimension.RELEASE)
        .where(DownloadSum.day.between(period.first, period.last))
        .group_by(DownloadSum.value)
    )
    return {version: int(number) for version, number in session.execute(query)}


def most_downloaded(session: Session, limit: int) -> Sequence[tuple[str, str, int]]:
    """The packages that were downloaded most in the last 30 days: id, name and number."""
    rows = session.execute(_MOST, {"limit": limit})
    return [(found[0], found[1], found[2]) for found in rows]


def unused_packages(session: Session, days: int, limit: int) -> list[Unused]:
    """Packages that are older than so many days and were not downloaded in them.

    Those for which it is longest ago come first; for what nobody ever downloaded, since it came.
    See `packslip.downloads.rollups.note_never_downloaded`.
    """
    before = datetime.now(UTC) - timedelta(days=days)
    found = session.execute(_UNUSED, {"before": before, "limit": limit})
    return [
        Unused(package_id, name, last_at if downloads else None)
        for package_id, name, last_at, downloads in found
    ]


@dataclass(frozen=True)
class _Of:
    """Whose downloads are asked for."""

    package_id: str | None = None
    #: All packages that the user looks after.
    user_id: int | None = None


# Making a statement anew takes longer than running these does.
_MOST = (
    select(Package.id, Package.name, DownloadTotal.recent)
    .join(DownloadTotal, DownloadTotal.package_id == Package.id)
    .where(DownloadTotal.recent > 0)
    .order_by(DownloadTotal.recent.desc(), Package.id)
    .limit(bindparam("limit"))
)
_UNUSED = (
    select(Package.id, Package.name, DownloadTotal.last_at, DownloadTotal.downloads)
    .join(DownloadTotal, DownloadTotal.package_id == Package.id)
    .where(DownloadTotal.last_at < bindparam("before"))
    .order_by(DownloadTotal.last_at, Package.id)
    .limit(bindparam("limit"))
)
_PACKAGES_OF_USER = packages_of(bindparam("user_id"))


@cache
def _select_sums(*by: str, of_user: bool) -> Select[*tuple[Any, ...]]:
    """Sums of downloads by columns of those names; its parameters are those of `_parameters`."""
    columns = [getattr(DownloadSum, name) for name in by]
    which = (
        DownloadSum.package_id.in_(_PACKAGES_OF_USER)
        if of_user
        else DownloadSum.package_id == bindparam("package_id")
    )
    return (
        select(*columns, func.sum(DownloadSum.downloads))
        .where(which, DownloadSum.dimension == bindparam("dimension"))
        .where(DownloadSum.day.between(bindparam("first"), bindparam("last")))
        .group_by(*columns)
    )


def _parameters(of: _Of, dimension: Dimension, period: Period) -> dict[str, Any]:
    whose = {"package_id": of.package_id} if of.user_id is None else {"user_id": of.user_id}
    return {**whose, "dimension": dimension, "first": period.first, "last": period.last}


def _statistics(
    session: Session, which: _Of, period: Period, *, by_release: bool = False
) -> Statistics:
    numbers = _daily(session, which, period)
    breakdowns: dict[Dimension, list[Share]] = {}
    parts: list[Series] = []
    for dimension in Dimension:
        if dimension is Dimension.TOTAL or (dimension is Dimension.RELEASE and not by_release):
            continue
        sums = _sums(session, which, dimension, period)
        breakdowns[dimension] = _shares(sums)
        if dimension is Dimension.RELEASE:
            parts = _series(session, which, period, breakdowns[dimension], numbers)
    return Statistics(period, period.each_day(), Series("downloads", numbers), parts, breakdowns)


def _daily(session: Session, which: _Of, period: Period) -> list[int]:
    query = _select_sums("day", of_user=which.user_id is not None)
    rows = session.execute(query, _parameters(which, Dimension.TOTAL, period))
    found = {day: int(number) for day, number in rows}
    return [found.get(day, 0) for day in period.each_day()]


def _sums(session: Session, which: _Of, dimension: Dimension, period: Period) -> dict[str, int]:
    query = _select_sums("value", of_user=which.user_id is not None)
    rows = session.execute(query, _parameters(which, dimension, period))
    return {value: int(number) for value, number in rows}


def _shares(sums: dict[str, int]) -> list[Share]:
    whole = sum(sums.values())
    ordered = sorted(sums.items(), key=lambda item: (-item[1], item[0]))
    return [Share(value or UNKNOWN, number, number / whole) for value, number in ordered]


def _series(
    session: Session,
    which: _Of,
    period: Period,
    shares: list[Share],
    numbers: list[int],
) -> list[Series]:
    """The releases with most downloads, each with a line; the rest of `numbers` is one more.

    A package may have thousands of releases, and only those that are shown are read by day.
    """
    named = [share.label for share in shares[:MAX_SERIES]]
    query = _select_sums("day", "value", of_user=which.user_id is not None).where(
        DownloadSum.value.in_(["" if label == UNKNOWN else label for label in named])
    )
    rows = session.execute(query, _parameters(which, Dimension.RELEASE, period))
    found = {(day, value or UNKNOWN): int(number) for day, value, number in rows}
    days = period.each_day()
    series = [Series(label, [found.get((day, label), 0) for day in days]) for label in named]
    if len(shares) > MAX_SERIES:
        rest = [whole - sum(one.numbers[at] for one in series) for at, whole in enumerate(numbers)]
        series.append(Series(OTHER, rest))
    return series
