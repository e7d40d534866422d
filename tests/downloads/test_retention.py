"""How long single downloads are kept, and the parts of their table on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, insert, inspect, select, text
from sqlalchemy.orm import Session
from tests.helpers.clock import today
from tests.helpers.downloads import add_downloads

from packslip.db import db
from packslip.downloads import retention
from packslip.downloads.models import Download, DownloadSum
from packslip.downloads.partitions import (
    DEFAULT,
    is_partition,
    list_partitions,
    make_partitions,
    next_month,
    partition_of,
)
from packslip.downloads.retention import forget_old
from packslip.downloads.statistics import Period, index_statistics
from packslip.downloads.upkeep import see_to_downloads


def add_on(session: Session, *days: date, hour: int = 12) -> None:
    add_downloads(
        session,
        *({"created_at": datetime(day.year, day.month, day.day, hour, tzinfo=UTC)} for day in days),
    )
    session.commit()


def kept(session: Session) -> list[date]:
    session.rollback()
    found = session.scalars(select(Download.created_at).order_by(Download.created_at))
    return [moment.date() for moment in found]


def test_old_downloads_go_and_their_sums_stay(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    old, later = today() - timedelta(days=130), today() - timedelta(days=100)
    add_on(session, old, old, old, later, today())
    see_to_downloads(session, today(), retention=60)
    assert kept(session) == [today()]
    assert index_statistics(session, Period(365)).downloads == 5
    see_to_downloads(session, today(), retention=60)
    assert kept(session) == [today()]


def test_nothing_goes_unless_a_setting_says_so(session: Session) -> None:
    add_on(session, date(2020, 2, 29))
    see_to_downloads(session, today(), retention=None)
    assert kept(session) == [date(2020, 2, 29)]


def test_what_the_sums_do_not_hold_stays(session: Session) -> None:
    add_on(session, date(2020, 2, 28), date(2020, 2, 28), date(2020, 3, 1))
    first = DownloadSum.day == date(2020, 2, 28)
    session.execute(delete(DownloadSum).where(first))
    session.commit()
    assert forget_old(session, today()) == 0
    assert len(kept(session)) == 3


def test_a_day_goes_at_its_end_and_no_sooner(session: Session) -> None:
    # Months go as a whole on PostgreSQL.
    first = today().replace(day=1)
    add_on(session, first - timedelta(days=1), hour=23)
    add_on(session, first, hour=0)
    assert forget_old(session, first) == 1
    assert kept(session) == [first]


@pytest.fixture
def parted(app_on_postgresql: Flask) -> Session:
    make_partitions(db.session(), today())
    return db.session()


def count_in(session: Session, part: str) -> int:
    return int(session.execute(text(f"SELECT count(*) FROM {part}")).scalar_one())


def test_each_month_has_its_part_before_it_begins(parted: Session) -> None:
    later = date(2040, 11, 30)
    assert make_partitions(parted, later) == [
        "downloads_2040_11",
        "downloads_2040_12",
        "downloads_2041_01",
    ]
    assert make_partitions(parted, later) == []
    add_on(parted, date(2040, 11, 1), date(2040, 12, 31), hour=0)
    assert count_in(parted, "downloads_2040_11") == 1
    assert count_in(parted, "downloads_2040_12") == 1
    key = inspect(parted.connection()).get_pk_constraint("downloads_2040_12")
    assert key["constrained_columns"] == ["id", "created_at"]


def test_what_came_before_its_part_moves_into_it(parted: Session) -> None:
    add_on(parted, date(2041, 5, 1), date(2041, 5, 31), date(2041, 9, 1))
    assert count_in(parted, DEFAULT) == 3
    before = parted.execute(select(Download.id, Download.created_at)).all()
    make_partitions(parted, date(2041, 5, 2))
    assert count_in(parted, "downloads_2041_05") == 2
    assert count_in(parted, DEFAULT) == 1
    assert set(parted.execute(select(Download.id, Download.created_at)).all()) == set(before)


def test_a_month_is_dropped_when_all_of_it_is_old(parted: Session) -> None:
    make_partitions(parted, date(2042, 1, 1))
    add_on(parted, date(2042, 1, 31), date(2042, 2, 1))
    forget_old(parted, date(2042, 2, 28))
    assert "downloads_2042_01" not in list_partitions(parted)
    assert kept(parted) == [date(2042, 2, 1)]
    # Found in a spool much later, it is not lost before it is counted.
    add_on(parted, date(2042, 1, 31))
    assert count_in(parted, DEFAULT) == 1
    assert forget_old(parted, date(2042, 2, 28)) == 1


def test_a_month_that_the_sums_do_not_hold_is_not_dropped(parted: Session) -> None:
    make_partitions(parted, date(2043, 1, 1))
    row = {"created_at": datetime(2043, 1, 1, tzinfo=UTC), "package_id": "demo"}
    parted.execute(insert(Download), [row | {"release_id": 1, "file": "x"}])
    parted.commit()
    forget_old(parted, date(2043, 3, 1))
    assert "downloads_2043_01" in list_partitions(parted)


def test_months_follow_each_other_and_name_their_parts() -> None:
    assert next_month(date(2026, 12, 31)) == date(2027, 1, 1)
    assert next_month(date(2026, 1, 31)) == date(2026, 2, 1)
    assert is_partition(partition_of(date(2026, 1, 5)))
    assert not any(map(is_partition, ("downloads", "download_sums", "downloads_2026", None)))
