"""Thousands of rows at once, on both databases the same."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.packages import add_package

from packslip.downloads.models import Dimension, Download, DownloadSum, DownloadTotal
from packslip.many_rows import add_rows, add_up, among
from packslip.packages.models import Release

MOMENT = datetime(2026, 3, 1, 12, 30, 15, 678901, tzinfo=UTC)


def download(**values: Any) -> dict[str, Any]:
    plain = {"created_at": MOMENT, "package_id": "demo", "release_id": 1, "file": "x"}
    return plain | {"user_agent": "", "user_id": None} | values


def total(**values: Any) -> dict[str, Any]:
    plain = {"package_id": "demo", "downloads": 1, "recent": 1, "last_at": MOMENT}
    return plain | {"recent_on": MOMENT.date()} | values


@pytest.mark.parametrize(
    "text", ["", "plain", 'it\'s "quoted" \\ {1,2} %s :x ?', "tab\tline\nend", "naïve ☃ 🐍", "null"]
)
def test_texts_are_kept_as_they_are(session: Session, text: str) -> None:
    add_rows(session, Download, [download(user_agent=text)])
    assert session.scalars(select(Download.user_agent)).one() == text


def test_numbers_moments_and_what_is_missing_are_kept(session: Session) -> None:
    elsewhere = MOMENT.astimezone(timezone(timedelta(hours=-5)))
    add_rows(session, Download, [download(release_id=2**63 - 1, created_at=elsewhere)])
    row = session.scalars(select(Download)).one()
    assert (row.release_id, row.user_id, row.token_id) == (2**63 - 1, None, None)
    assert row.created_at == MOMENT


def test_many_rows_are_added_in_the_order_in_which_they_are_given(session: Session) -> None:
    add_rows(session, Download, [download(release_id=number) for number in range(5000)])
    numbers = session.scalars(select(Download.release_id).order_by(Download.id))
    assert list(numbers) == list(range(5000))


def test_columns_that_are_left_out_have_their_defaults(session: Session) -> None:
    said = {"summary": 'It\'s a "demo".'}
    add_package(session)
    row = {"package_id": "demo", "version": "1", "canonical_version": "1", "sort_key": "1"}
    add_rows(session, Release, [row | {"yanked": True, "metadata": said}])
    release = session.scalars(select(Release)).one()
    assert (release.origin, release.size, release.is_prerelease) == ("hosted", 0, False)
    assert release.yanked is True
    assert release.core_metadata == said


def test_no_rows_are_nothing_to_do(session: Session) -> None:
    add_rows(session, Download, [])
    add_up(session, DownloadTotal, [], add=["downloads"])
    assert session.scalars(select(Download)).all() == []


def test_rows_that_are_there_are_added_to_and_keep_the_latest(session: Session) -> None:
    later = MOMENT + timedelta(days=1)
    for rows in (
        [total(last_at=later), total(package_id="other")],
        [total(downloads=4), total(package_id="other", last_at=later)],
    ):
        add_up(session, DownloadTotal, rows, add=["downloads"], latest=["last_at"])
    found = session.scalars(select(DownloadTotal).order_by(DownloadTotal.package_id)).all()
    assert [(row.package_id, row.downloads, row.recent, row.last_at) for row in found] == [
        ("demo", 5, 1, later),
        ("other", 2, 1, later),
    ]
    assert all(row.updated_at >= row.created_at for row in found)


def test_rows_are_told_apart_by_all_of_their_key(session: Session) -> None:
    day = date(2026, 3, 1)
    rows = [
        {"package_id": "demo", "dimension": one, "day": day, "value": "", "downloads": 1}
        for one in (Dimension.TOTAL, Dimension.SYSTEM)
    ]
    add_up(session, DownloadSum, rows, add=["downloads"])
    add_up(session, DownloadSum, rows[:1], add=["downloads"])
    found = session.execute(select(DownloadSum.dimension, DownloadSum.day, DownloadSum.downloads))
    assert {tuple(row) for row in found} == {("total", day, 2), ("system", day, 1)}


def test_more_values_can_be_looked_for_than_a_statement_takes_parameters(session: Session) -> None:
    add_rows(session, Download, [download(release_id=number) for number in (3, 2**63 - 1, 70_001)])
    wanted = {2**63 - 1, *range(70_000)}
    found = session.scalars(
        select(Download.release_id).where(among(session, Download.release_id, wanted))
    )
    assert sorted(found) == [3, 2**63 - 1]
