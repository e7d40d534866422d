from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from packslip.accounts import throttle
from packslip.accounts.models import Throttle
from packslip.accounts.throttle import (
    Attempt,
    TooManyFailuresError,
    attempt_by,
    count_failure,
    forget_failures,
    has_failures,
    require_turn,
)
from packslip.db import write_transaction

ADA = ("ada", "192.0.2.1")


def fail(session: Session, attempt: Attempt, times: int = 1) -> None:
    for _ in range(times):
        with write_transaction(session):
            count_failure(session, attempt)


def let_pass(session: Session, time: timedelta) -> None:
    """Let all that was counted have been earlier."""
    with write_transaction(session):
        for row in session.scalars(select(Throttle)):
            row.failed_at = [moment - time.total_seconds() for moment in row.failed_at]
            row.last_failure_at -= time
            row.blocked_until = row.blocked_until and row.blocked_until - time


def wait_of(session: Session, attempt: Attempt) -> int:
    """Seconds that the next attempt has to wait."""
    try:
        require_turn(session, attempt)
    except TooManyFailuresError as error:
        return error.retry_after
    return 0


def test_waiting_begins_with_the_tenth_failure_and_doubles(session: Session) -> None:
    attempt, waits = attempt_by(*ADA), []
    for _ in range(18):
        fail(session, attempt)
        waits.append(wait_of(session, attempt))
    assert waits == [0] * 9 + [5, 10, 20, 40, 80, 160, 300, 300, 300]


def test_whoever_waited_has_a_turn(session: Session) -> None:
    attempt = attempt_by(*ADA)
    fail(session, attempt, 12)
    let_pass(session, timedelta(seconds=15))
    with pytest.raises(TooManyFailuresError, match=r"failed\. Try again in 5 seconds\.$"):
        require_turn(session, attempt)
    let_pass(session, timedelta(seconds=4))
    with pytest.raises(TooManyFailuresError, match=r"in 1 second\.$"):
        require_turn(session, attempt)
    let_pass(session, timedelta(seconds=1))
    require_turn(session, attempt)


def test_each_failure_is_forgotten_after_an_hour(session: Session) -> None:
    attempt = attempt_by(*ADA)
    fail(session, attempt, 5)
    let_pass(session, timedelta(minutes=31))
    fail(session, attempt, 4)
    let_pass(session, timedelta(minutes=30))
    fail(session, attempt)
    assert wait_of(session, attempt) == 0
    row = session.get_one(Throttle, attempt.account)
    assert len(row.failed_at) == row.failures == 5


def test_what_nobody_needs_any_more_is_removed(session: Session) -> None:
    fail(session, attempt_by(*ADA))
    earlier = datetime.now(UTC) - timedelta(days=1)
    with write_transaction(session):
        session.add(Throttle(key="recovery:of somebody else", last_failure_at=earlier))
    let_pass(session, timedelta(minutes=61))
    bob = attempt_by("bob", "192.0.2.2")
    fail(session, bob)
    kept = set(session.scalars(select(Throttle.key)))
    assert kept == {bob.account, bob.network, "recovery:of somebody else"}


@pytest.mark.parametrize("name", ["ADA", " ada "])
def test_a_name_is_one_account_however_it_is_written(session: Session, name: str) -> None:
    fail(session, attempt_by(name, None), 10)
    assert wait_of(session, attempt_by("ada", None)) == 5
    assert wait_of(session, attempt_by("bob", None)) == 0


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::2", True),
    ],
)
def test_a_network_is_what_one_customer_has(
    session: Session, first: str, second: str, together: bool
) -> None:
    for number in range(throttle.NETWORK_PATIENCE):
        fail(session, attempt_by(f"somebody{number}", first))
    assert wait_of(session, attempt_by("ada", second)) == (5 if together else 0)


@pytest.mark.parametrize("address", [None, "", "unix:"])
def test_without_an_address_the_account_alone_is_counted(
    session: Session, address: str | None
) -> None:
    attempt = attempt_by("ada", address)
    fail(session, attempt)
    assert set(session.scalars(select(Throttle.key))) == {attempt.account}


def test_who_proves_who_they_are_ends_the_accounts_count_alone(session: Session) -> None:
    attempt = attempt_by(*ADA)
    fail(session, attempt, 10)
    assert has_failures(session, attempt)
    with write_transaction(session):
        forget_failures(session, attempt)
    assert not has_failures(session, attempt)
    assert wait_of(session, attempt) == 0
    assert attempt.network is not None
    assert session.get_one(Throttle, attempt.network).failures == 10


def test_neither_names_nor_addresses_are_kept(session: Session) -> None:
    # A password that was typed as the name; the key keeps it from being guessed from its hash.
    fail(session, attempt_by("correct horse", "192.0.2.1"))
    keys = " ".join(session.scalars(select(Throttle.key)))
    assert "horse" not in keys
    assert "192" not in keys
