"""Counting requests that cost others time."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from packslip.accounts.models import Throttle
from packslip.accounts.requests_limit import TooManyRequestsError, note_request
from packslip.db import db, write_transaction


def allowed(session: Session, who: str | None, what: str = "test") -> bool:
    try:
        with write_transaction(session):
            note_request(session, what, who, limit=2)
    except TooManyRequestsError:
        return False
    return True


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("7", "7", True),
        (None, "", True),
    ],
)
def test_a_network_counts_as_one(
    session: Session, first: str | None, second: str, is_same: bool
) -> None:
    assert [allowed(session, first) for _ in range(3)] == [True, True, False]
    assert allowed(session, second) != is_same
    assert allowed(session, first, "other")
    # It is kept without the address.
    assert "192.0" not in str(session.scalars(select(Throttle.key)).all())


def test_requests_at_once_are_each_counted(app: Flask) -> None:
    start = threading.Barrier(6)
    outcomes: list[bool] = []

    def request() -> None:
        with app.app_context(), Session(db.engine) as own:
            start.wait()
            outcomes.append(allowed(own, "192.0.2.1"))

    threads = [threading.Thread(target=request) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False] * 4 + [True] * 2


def test_rows_that_count_nothing_any_more_go(session: Session) -> None:
    allowed(session, "192.0.2.1")
    with write_transaction(session):
        old = datetime.now(UTC) - timedelta(days=2)
        session.execute(update(Throttle).values(last_failure_at=old))
        session.add(Throttle(key="account:x", failures=1, last_failure_at=old))
    allowed(session, "192.0.2.2")
    session.rollback()
    assert len(session.scalars(select(Throttle)).all()) == 2
