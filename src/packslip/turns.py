"""Turns: work that one process of all does now and then, on whichever machine that is.

Whoever finds that it is due takes it for a while, and says when it is done. If that process dies,
another one takes it after that while. Work that takes longer is done by two: it must be such that
this does no harm.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import Enum, auto

from sqlalchemy import select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from packslip.db import Base, Changed, add_if_new, utc_now, write_transaction


class Turn(Changed, Base):
    """Work that is done by one at a time."""

    __tablename__ = "turns"

    #: What it is called.
    id: Mapped[str] = mapped_column(primary_key=True)
    #: Who is at it, and until when it belongs to them at most.
    holder: Mapped[str | None]
    held_until: Mapped[datetime | None]
    #: When it was last done.
    done_at: Mapped[datetime | None]


class TurnState(Enum):
    """How it stands with a turn."""

    OURS = auto()
    #: It was done already.
    DONE = auto()
    #: Somebody else is at it.
    TAKEN = auto()


@contextmanager
def turn(session: Session, name: str, *, since: datetime, lease: timedelta) -> Iterator[TurnState]:
    """Take the turn if the work was not done since that moment; the block does it if it is ours.

    If the block fails the turn is given back, for whoever comes next. The moments are those of the
    database's clock, which is the same for all.

    Raises:
        UnavailableError: the database was held by another process for too long.
    """
    holder = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    state = _look(session, name, since)
    if state is None:
        with write_transaction(session):
            state = _take(session, name, since, lease, holder)
    if state is not TurnState.OURS:
        yield state
        return
    done = False
    try:
        yield state
        done = True
    finally:
        session.rollback()
        with write_transaction(session):
            _give_back(session, name, holder, done=done)


def _look(session: Session, name: str, since: datetime) -> TurnState | None:
    """How it stands, None if it may be taken; without the write lock, which SQLite has one of."""
    session.rollback()
    row = session.execute(
        select(Turn.done_at, Turn.held_until, utc_now()).where(Turn.id == name)
    ).one_or_none()
    session.rollback()
    return None if row is None else _state(*row, since)


def _state(
    done_at: datetime | None, held_until: datetime | None, now: datetime, since: datetime
) -> TurnState | None:
    if done_at is not None and done_at >= since:
        return TurnState.DONE
    return TurnState.TAKEN if held_until is not None and held_until > now else None


def _take(session: Session, name: str, since: datetime, lease: timedelta, holder: str) -> TurnState:
    add_if_new(session, Turn(id=name))
    row = session.execute(
        select(Turn.done_at, Turn.held_until, utc_now()).where(Turn.id == name).with_for_update()
    ).one()
    state = _state(*row, since)
    if state is not None:
        return state
    values = {"holder": holder, "held_until": row[2] + lease}
    session.execute(update(Turn).where(Turn.id == name).values(values))
    return TurnState.OURS


def _give_back(session: Session, name: str, holder: str, *, done: bool) -> None:
    # Not if it lasted so long that somebody else has it now.
    ours = (Turn.id == name) & (Turn.holder == holder)
    values = {"holder": None, "held_until": None}
    session.execute(
        update(Turn).where(ours).values(values | ({"done_at": utc_now()} if done else {}))
    )
