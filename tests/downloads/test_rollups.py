"""Sums by day, which follow the records and cost the same however many there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.downloads import NOON, add_downloads
from tests.helpers.packages import add_package, add_release

from packslip.db import write_transaction
from packslip.downloads.models import WHOLE_INDEX, Dimension, DownloadSum, DownloadTotal
from packslip.downloads.rollups import RECENT_DAYS, minor_version, refresh_recent


def sums(session: Session, package_id: str, dimension: Dimension) -> dict[tuple[str, str], int]:
    query = select(DownloadSum).where(
        DownloadSum.package_id == package_id, DownloadSum.dimension == dimension
    )
    return {(f"{row.day:%m-%d}", row.value): row.downloads for row in session.scalars(query)}


def total(session: Session, package_id: str) -> DownloadTotal:
    session.expire_all()
    return session.get_one(DownloadTotal, package_id)


def test_records_of_a_day_are_summed_up_by_what_is_known_of_them(session: Session) -> None:
    pip: dict[str, Any] = {"installer": "pip", "python_version": "3.12.1", "system": "Linux"}
    add_downloads(session, pip, pip, {}, {"created_at": NOON + timedelta(days=1)})
    assert sums(session, "demo", Dimension.TOTAL) == {("03-01", ""): 3, ("03-02", ""): 1}
    assert sums(session, "demo", Dimension.INSTALLER) == {
        ("03-01", "pip"): 2,
        ("03-01", ""): 1,
        ("03-02", ""): 1,
    }
    assert sums(session, "demo", Dimension.PYTHON)["03-01", "3.12"] == 2
    assert sums(session, "demo", Dimension.SYSTEM)["03-01", "Linux"] == 2


def test_the_index_as_a_whole_has_the_sums_of_all_packages(session: Session) -> None:
    add_downloads(session, {}, {"package_id": "other", "installer": "uv"})
    assert sums(session, WHOLE_INDEX, Dimension.TOTAL) == {("03-01", ""): 2}
    assert sums(session, WHOLE_INDEX, Dimension.INSTALLER) == {("03-01", ""): 1, ("03-01", "uv"): 1}


def test_releases_are_summed_up_by_their_version(session: Session) -> None:
    release = add_release(session, add_package(session, "demo"), "1.0")
    add_downloads(session, {"release_id": release.id}, {"release_id": release.id + 1})
    assert sums(session, "demo", Dimension.RELEASE) == {("03-01", "1.0"): 1, ("03-01", ""): 1}
    assert sums(session, WHOLE_INDEX, Dimension.RELEASE) == {}


def test_a_total_knows_the_last_download_in_whatever_order_they_come(session: Session) -> None:
    add_downloads(session, {}, {"created_at": NOON - timedelta(days=3)})
    assert total(session, "demo").downloads == 2
    assert total(session, "demo").last_at == NOON


def test_what_was_recent_is_so_for_thirty_days(session: Session) -> None:
    now = datetime.now(UTC)
    ages = (0, 1, RECENT_DAYS - 1, RECENT_DAYS, 400)
    add_downloads(session, *({"created_at": now - timedelta(days=days)} for days in ages))
    assert total(session, "demo").recent == 3
    session.commit()
    later = now.date() + timedelta(days=2)
    with write_transaction(session):
        assert refresh_recent(session, later)
    assert total(session, "demo").recent == 2
    assert total(session, WHOLE_INDEX).recent == 2
    with write_transaction(session):
        assert not refresh_recent(session, later)


@pytest.mark.parametrize(
    ("version", "minor"), [("3.12.1", "3.12"), ("3.12", "3.12"), ("3", "3"), ("", ""), (None, "")]
)
def test_pythons_are_known_by_their_minor_version(version: str | None, minor: str) -> None:
    assert minor_version(version) == minor
