"""Names that no upstream has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR
from tests.helpers.packages import add_package

from packslip.db import write_transaction
from packslip.events.models import Action
from packslip.events.operations import record
from packslip.mirror import missing_names
from packslip.mirror.missing_names import forget_missing
from packslip.mirror.models import MirrorPage, PageState
from packslip.packages.stamps import PageStamp

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def add_page(
    session: Session,
    name: str,
    age: timedelta,
    state: PageState = PageState.MISSING,
    **values: datetime,
) -> None:
    at = datetime.now(UTC) - age
    with write_transaction(session):
        session.add(MirrorPage(package_id=name, state=state, updated_at=at, **values))


def names(session: Session) -> set[str]:
    return set(session.scalars(select(MirrorPage.package_id)))


def test_names_that_nobody_has_are_known_for_a_day(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(missing_names, "BATCH", 2)
    for number in range(5):
        add_page(session, f"random-{number}", DAY + HOUR)
    add_page(session, "failed", DAY + HOUR, PageState.UNKNOWN)
    add_page(session, "lately", DAY - HOUR)
    add_page(session, "found", 9 * DAY, PageState.FOUND)
    # Upstream has it no more, and what was kept of it is still here.
    add_page(session, "gone", 9 * DAY)
    add_package(session, "gone", origin="mirrored")
    add_page(session, "asked", 9 * DAY, lease_until=datetime.now(UTC) + HOUR)
    with write_transaction(session):
        record(session, ACTOR, Action.PACKAGE_REMOVE, package_id="random-0")
    assert forget_missing(session) == 6
    # The stamp of what had a page once is never the same again.
    stamped = set(session.scalars(select(PageStamp.package_id)))
    assert stamped == {"random-0", "lately", "found", "gone", "asked"}
    assert names(session) == {"lately", "found", "gone", "asked"}
    assert forget_missing(session) == 0


def test_the_oldest_of_too_many_names_are_forgotten(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(missing_names, "MOST", 2)
    for number in range(5):
        add_page(session, f"random-{number}", number * HOUR)
    add_page(session, "found", 9 * DAY, PageState.FOUND)
    assert forget_missing(session) == 3
    assert names(session) == {"random-0", "random-1", "found"}
    # Upstream may be answering for these.
    monkeypatch.setattr(missing_names, "MOST", 0)
    assert forget_missing(session) == 1
    assert names(session) == {"random-0", "found"}
