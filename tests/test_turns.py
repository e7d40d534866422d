"""Work that one process of all does."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from tests.helpers.processes import own_environment

from packslip.db import db, utc_now
from packslip.turns import Turn, TurnState, turn

LEASE = timedelta(minutes=10)

#: Takes the turn, and is at the work until somebody ends it.
WORKER = """
import sys, time
from datetime import UTC, datetime, timedelta
from packslip.app import create_app
from packslip.db import session
from packslip.turns import turn
with create_app().app_context():
    with turn(session(), "work", since=datetime.now(UTC), lease=timedelta(minutes=10)) as state:
        print(state.name, flush=True)
        if state.name == "OURS":
            sys.stdin.read()
"""


def long_ago() -> datetime:
    return datetime.now(UTC) - timedelta(days=1)


def try_it(session: Session, *, since: datetime | None = None) -> TurnState:
    with turn(session, "work", since=since or long_ago(), lease=LEASE) as state:
        return state


def test_work_is_done_once_until_it_is_due_again(session: Session) -> None:
    assert try_it(session) is TurnState.OURS
    assert try_it(session) is TurnState.DONE
    assert try_it(session, since=datetime.now(UTC) + timedelta(seconds=1)) is TurnState.OURS


def test_one_at_a_time_is_at_it(session: Session) -> None:
    with (
        Session(db.engine) as other,
        turn(session, "work", since=long_ago(), lease=LEASE) as first,
    ):
        assert first is TurnState.OURS
        assert try_it(other) is TurnState.TAKEN
        with turn(other, "other work", since=long_ago(), lease=LEASE) as state:
            assert state is TurnState.OURS


def test_work_that_fails_is_for_whoever_comes_next(session: Session) -> None:
    with (
        pytest.raises(RuntimeError, match="oh"),
        turn(session, "work", since=long_ago(), lease=LEASE),
    ):
        raise RuntimeError("oh")
    assert try_it(session) is TurnState.OURS


def test_whoever_is_late_does_not_end_the_turn_of_somebody_else(session: Session) -> None:
    with turn(session, "work", since=long_ago(), lease=LEASE):
        session.execute(update(Turn).values(holder="somebody else"))
        session.commit()
    assert session.scalar(select(Turn.holder)) == "somebody else"
    assert session.scalar(select(Turn.done_at)) is None


def start(folder: Path, url: str) -> tuple[subprocess.Popen[str], str]:
    """Another process that wants the turn, and what it got."""
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER],
        env=own_environment(folder / "home", PACKSLIP_DATA=str(folder), PACKSLIP_DATABASE_URL=url),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout is not None
    return worker, worker.stdout.readline().strip()


def test_another_process_goes_on_when_one_was_killed(
    session: Session, database_url: str, tmp_path: Path
) -> None:
    first, told = start(tmp_path / "a", database_url)
    assert told == "OURS"
    assert try_it(session) is TurnState.TAKEN
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert try_it(session) is TurnState.TAKEN
    # Nobody waits for the end of the lease here.
    session.execute(update(Turn).values(held_until=utc_now()))
    session.commit()
    second, told = start(tmp_path / "b", database_url)
    assert told == "OURS"
    second.communicate("")
    session.rollback()
    assert session.scalar(select(func.count()).where(Turn.done_at.is_not(None))) == 1
    assert try_it(session) is TurnState.DONE
