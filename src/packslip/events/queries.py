"""Reading the audit log."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from packslip.events.models import Event


def list_package_events(
    session: Session, package_id: str, before: int | None, limit: int
) -> Sequence[Event]:
    """What happened to the package, the newest first; those before event `before` alone."""
    return _newest(session, Event.package_id == package_id, before, limit)


def list_user_events(
    session: Session, user_id: int, before: int | None, limit: int
) -> Sequence[Event]:
    """What the user did, and what was done to them, the newest first; see `before` above."""
    about = or_(Event.actor_id == user_id, Event.subject_id == user_id)
    return _newest(session, about, before, limit)


def _newest(
    session: Session, condition: ColumnElement[bool], before: int | None, limit: int
) -> Sequence[Event]:
    statement = select(Event).where(condition).order_by(Event.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(Event.id < before)
    return session.scalars(statement).all()
