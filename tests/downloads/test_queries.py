from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from tests.helpers.downloads import NOON, add_downloads

from packslip.downloads.queries import By, DownloadCount, count_downloads, has_downloads
from packslip.packages.models import Package, Release


def counts(session: Session, by: By, **restriction: Any) -> list[tuple[str | None, int]]:
    return [(found.key, found.downloads) for found in count_downloads(session, by, **restriction)]


def test_nothing_is_counted_in_an_empty_table(session: Session) -> None:
    assert all(count_downloads(session, by) == [] for by in By)


def test_packages_come_with_the_most_downloaded_first(session: Session) -> None:
    add_downloads(session, *({"package_id": name} for name in ("b", "c", "a", "c")))
    assert counts(session, By.PACKAGE) == [("c", 2), ("a", 1), ("b", 1)]


def test_releases_are_named_by_version_also_those_that_were_removed(session: Session) -> None:
    session.add(Package(id="demo", name="demo"))
    session.flush()
    release = Release(package_id="demo", version="1.0", canonical_version="1", sort_key="1")
    session.add(release)
    session.flush()
    gone = [release.id + 1, release.id + 2]
    add_downloads(session, *({"release_id": number} for number in [release.id] * 3 + gone))
    assert count_downloads(session, By.RELEASE) == [
        DownloadCount("1.0", 3, "demo"),
        DownloadCount(None, 2, "demo"),
    ]


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 3, 1, 0, 0, tzinfo=UTC), "2026-03-01"),
        (datetime(2026, 3, 1, 23, 59, 59, 999999, tzinfo=UTC), "2026-03-01"),
        (datetime(2026, 3, 1, 23, 30, tzinfo=timezone(timedelta(hours=-5))), "2026-03-02"),
    ],
)
def test_a_day_is_one_in_utc_whatever_the_zone_of_the_database(
    session: Session, moment: datetime, day: str
) -> None:
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET TIME ZONE 'Pacific/Auckland'"))
    add_downloads(session, {"created_at": moment})
    assert counts(session, By.DAY) == [(day, 1)]


def test_days_come_in_order(session: Session) -> None:
    moments = [NOON + timedelta(days=days) for days in (1, 0, 1, 2)]
    add_downloads(session, *({"created_at": moment} for moment in moments))
    assert counts(session, By.DAY) == [("2026-03-01", 1), ("2026-03-02", 2), ("2026-03-03", 1)]


def test_python_versions_are_counted_by_minor_version(session: Session) -> None:
    versions = ["3.11.7", "3.11.9", "3.12.0", "3.12", None, "3.11.7"]
    add_downloads(session, *({"python_version": version} for version in versions))
    assert counts(session, By.PYTHON) == [("3.11", 3), ("3.12", 2), (None, 1)]


def test_installers_and_systems_that_are_not_known_are_counted_too(session: Session) -> None:
    add_downloads(
        session,
        {"installer": "pip", "installer_version": "26.3", "system": "Linux"},
        {"installer": "pip", "installer_version": "26.2", "system": "Darwin"},
        {},
    )
    assert counts(session, By.INSTALLER) == [("pip", 2), (None, 1)]
    assert counts(session, By.SYSTEM) == [(None, 1), ("Darwin", 1), ("Linux", 1)]


@pytest.mark.parametrize("by", By)
def test_one_package_and_a_period_can_be_chosen(session: Session, by: By) -> None:
    add_downloads(
        session,
        {},
        {"package_id": "other"},
        {"created_at": NOON - timedelta(days=1)},
        {"created_at": NOON + timedelta(days=1)},
    )
    day = NOON.date()
    chosen = count_downloads(session, by, package_id="demo", first=day, last=day)
    assert [found.downloads for found in chosen] == [1]


def test_a_package_is_known_by_its_downloads(session: Session) -> None:
    add_downloads(session, {"package_id": "demo"})
    assert has_downloads(session, "demo")
    assert not has_downloads(session, "other")
