"""Reading the audit log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, false, func, or_, select
from sqlalchemy.orm import Session

from packslip.errors import InvalidError
from packslip.events.models import Action, Event

#: Events that are read at a time where all are wanted.
BATCH = 1000


class ActionError(InvalidError):
    """No event has such an action."""

    field = "action"

    def __init__(self, action: str) -> None:
        super().__init__(f"{action!r} is neither an action, such as user.log-in, nor user.*.")
        self.action = action


@dataclass(frozen=True)
class EventFilter:
    """Which events are wanted: those that fit all that is given."""

    #: The name of who acted, as it was at that time.
    actor: str | None = None
    #: The user whom it was about.
    subject_id: int | None = None
    #: A normalised name.
    package: str | None = None
    #: One of `Action`, or all that begin alike: `user.*`.
    action: str | None = None
    #: The network address from which it was done.
    address: str | None = None
    #: At that moment or later.
    since: datetime | None = None
    #: Before that moment.
    until: datetime | None = None


def list_events(
    session: Session, wanted: EventFilter, before: int | None = None, limit: int = 50
) -> Sequence[Event]:
    """The newest of the events that are wanted, the newest first.

    With `before`, the newest of those whose number is lower.

    Raises:
        ActionError: no event has the action.
    """
    return _newest(session, _filtered(session, wanted), before, limit)


def list_package_events(
    session: Session, package_id: str, before: int | None, limit: int
) -> Sequence[Event]:
    """What happened to the package, the newest first; those before event `before` alone."""
    return _newest(session, select(Event).where(Event.package_id == package_id), before, limit)


def list_user_events(
    session: Session, user_id: int, before: int | None, limit: int
) -> Sequence[Event]:
    """What the user did, and what was done to them, the newest first; see `before` above."""
    about = or_(Event.actor_id == user_id, Event.subject_id == user_id)
    return _newest(session, select(Event).where(about), before, limit)


def iterate_events(session: Session, wanted: EventFilter) -> Iterator[Event]:
    """All events that are wanted, in the order of their numbers, however many there are.

    The session must hold nothing else: between batches its transaction ends, so that a slow reader
    does not keep the database from tidying up.

    Raises:
        ActionError: no event has the action.
    """
    statement = _filtered(session, wanted).order_by(Event.id).limit(BATCH)
    session.rollback()
    return _batches(session, statement)


def actions_of(action: str) -> list[Action]:
    """The actions that are meant by a name such as `user.log-in`, or by `user.*`.

    Raises:
        ActionError: there are none.
    """
    if action.endswith(".*"):
        found = [one for one in Action if one.startswith(action[:-1])]
    else:
        found = [one for one in Action if one == action]
    if not found:
        raise ActionError(action)
    return found


def _newest(
    session: Session, statement: Select[Event], before: int | None, limit: int
) -> Sequence[Event]:
    statement = statement.order_by(Event.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(Event.id < before)
    return session.scalars(statement).all()


def _batches(session: Session, statement: Select[Event]) -> Iterator[Event]:
    last = 0
    while batch := _batch(session, statement.where(Event.id > last)):
        yield from batch
        last = batch[-1].id


def _batch(session: Session, statement: Select[Event]) -> Sequence[Event]:
    """The rows, of which the session keeps nothing: neither they nor a connection."""
    found = session.scalars(statement).all()
    session.expunge_all()
    session.rollback()
    return found


def _filtered(session: Session, wanted: EventFilter) -> Select[Event]:
    statement = select(Event)
    equal = (
        (Event.actor_name, wanted.actor),
        (Event.subject_id, wanted.subject_id),
        (Event.package_id, wanted.package),
        (Event.ip_address, wanted.address),
    )
    for column, value in equal:
        if isinstance(value, str) and not value.isprintable():
            # Nothing is called so, and PostgreSQL refuses to look for some of it.
            statement = statement.where(false())
        elif value is not None:
            statement = statement.where(column == value)
    if wanted.action is not None:
        statement = statement.where(Event.action.in_(actions_of(wanted.action)))
    times = _times(wanted)
    if times:
        # Numbers grow with time, though not strictly. Bounds of them let the database read in
        # order; by the index on time it would sort all that happened between for each page.
        ends = select(func.min(Event.id), func.max(Event.id)).where(*times)
        first, last = session.execute(ends).one()
        statement = statement.where(*times, Event.id.between(first or 0, last or 0))
    return statement


def _times(wanted: EventFilter) -> list[ColumnElement[bool]]:
    since = [] if wanted.since is None else [Event.created_at >= wanted.since]
    until = [] if wanted.until is None else [Event.created_at < wanted.until]
    return [*since, *until]
