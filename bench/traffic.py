"""Downloads of a catalogue, made in the database: few packages have most of them.

A hundredth of the packages has more than half of the downloads, and most have a dozen each. The
same numbers give the same rows every time, but for the day on which they end.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from packslip.db import is_postgresql, write_transaction
from packslip.downloads.models import WHOLE_INDEX, DownloadSum, DownloadTotal
from packslip.downloads.rollups import RECENT_DAYS

#: Days over which downloads are spread, today among them.
DAYS = 365

_BATCH = 500_000

_INSERT = """
INSERT INTO downloads (created_at, package_id, release_id, file, user_agent, installer,
                       installer_version, python_version, system)
SELECT {moment}, package_id, id, 'x-' || version || '-py3-none-any.whl', '',
       CASE WHEN n % 10 < 6 THEN 'pip' WHEN n % 10 < 9 THEN 'uv' ELSE 'poetry' END,
       '1.' || (n % 7), '3.' || (9 + n % 6) || '.1',
       CASE WHEN n % 8 < 6 THEN 'Linux' WHEN n % 8 = 6 THEN 'Darwin' ELSE 'Windows' END
FROM (SELECT n, 1.0 * n / :all AS u FROM ({numbers}) AS numbers) AS shares
JOIN releases ON releases.id = 1 + CAST(u * u * u * u * u * u * u * u * :most AS INTEGER)
"""

_NUMBERS = {
    False: "WITH RECURSIVE up(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM up WHERE n < :last)"
    " SELECT n FROM up",
    True: "SELECT n FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS s(n)",
}
#: The moment of download n, which neighbours in the list of releases do not share.
_MOMENTS = {
    False: f"strftime('%Y-%m-%d %H:%M:%f000', :now, '-' || (n * 40503 % {DAYS}) || ' days')",
    True: f"CAST(:now AS timestamptz) - (n * 40503 % {DAYS}) * interval '1 day'",
}

_SUM = """
INSERT INTO download_sums (package_id, dimension, day, value, downloads)
SELECT {package}, '{dimension}', {day}, {value}, count(*)
FROM downloads {join} GROUP BY 1, 3, 4
"""
_VALUES = {
    "total": "''",
    "installer": "installer",
    "python": "substr(python_version, 1, length(python_version) - 2)",
    "system": "system",
}
_DAYS = {False: "date(downloads.created_at)", True: "date(downloads.created_at AT TIME ZONE 'UTC')"}

_TOTALS = """
INSERT INTO download_totals (package_id, downloads, recent, last_at, recent_on)
SELECT package_id, sum(downloads), sum(CASE WHEN day >= :since THEN downloads ELSE 0 END),
       :now, :today
FROM download_sums WHERE dimension = 'total' GROUP BY package_id
"""


def add_downloads(session: Session, downloads: int) -> Iterator[int]:
    """Give the catalogue so many downloads, and their sums in place of those that it has.

    It tells after each batch how many there are; the sums come last, and take long.
    """
    on_postgresql = is_postgresql(session)
    now = datetime.now(UTC).replace(microsecond=0)
    said = now if on_postgresql else now.strftime("%Y-%m-%d %H:%M:%S")
    insert = text(_INSERT.format(numbers=_NUMBERS[on_postgresql], moment=_MOMENTS[on_postgresql]))
    most = session.scalar(text("SELECT max(id) FROM releases")) or 0
    for first in range(0, downloads, _BATCH):
        last = min(first + _BATCH, downloads) - 1
        with write_transaction(session):
            session.execute(
                insert,
                {"now": said, "first": first, "last": last, "all": downloads, "most": most},
            )
        yield last + 1
    with write_transaction(session):
        session.execute(delete(DownloadSum))
        session.execute(delete(DownloadTotal))
        _sum_up(session, _DAYS[on_postgresql])
        today = now.date()
        values = {"now": said, "today": today, "since": today - timedelta(days=RECENT_DAYS - 1)}
        session.execute(text(_TOTALS), values)


def _sum_up(session: Session, day: str) -> None:
    for dimension, value in _VALUES.items():
        for package in ("downloads.package_id", f"'{WHOLE_INDEX}'"):
            query = _SUM.format(package=package, dimension=dimension, day=day, value=value, join="")
            session.execute(text(query))
    join = "JOIN releases ON releases.id = downloads.release_id"
    session.execute(
        text(
            _SUM.format(
                package="downloads.package_id",
                dimension="release",
                day=day,
                value="releases.version",
                join=join,
            )
        )
    )
