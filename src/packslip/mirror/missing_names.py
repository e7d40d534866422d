"""Forgetting names that no upstream has: anybody can ask for any number of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, delete, exists, or_, select
from sqlalchemy.orm import Session

from packslip.db import write_transaction
from packslip.events.models import Event
from packslip.mirror.models import MirrorPage, PageState
from packslip.packages.models import Package
from packslip.packages.stamps import PageStamp

#: For how long a name is known that nobody has asked for again.
KNOWN_FOR = timedelta(days=1)

#: How many of them are known at most, the latest.
MOST = 10_000

#: Younger ones stay however many there are: an upstream may be answering for one just now.
_YOUNG = timedelta(minutes=2)

#: Names that are forgotten by one transaction. Others can write between two.
BATCH = 500

#: Transactions of one call; what is left is for the next one.
_BATCHES = 40


def forget_missing(session: Session) -> int:
    """Forget names of no package that were not asked for lately, and the oldest of too many.

    Returns:
        How many were forgotten.
    """
    now = datetime.now(UTC)
    before = max(now - KNOWN_FOR, _too_many_before(session))
    before = min(before, now - _YOUNG)
    forgotten = 0
    for _ in range(_BATCHES):
        batch = _forget(session, before, now)
        forgotten += batch
        if batch < BATCH:
            break
    session.rollback()
    return forgotten


def _too_many_before(session: Session) -> datetime:
    """The moment before which all are too many."""
    # Each row of a name that is asked for again changes, so that its last change tells it.
    latest = (
        select(MirrorPage.updated_at)
        .where(*_are_of_no_package())
        .order_by(MirrorPage.updated_at.desc())
        .offset(MOST)
        .limit(1)
    )
    found = session.scalar(latest)
    # Of the same moment as the first one too many.
    return datetime.min.replace(tzinfo=UTC) if found is None else found + timedelta(microseconds=1)


def _forget(session: Session, before: datetime, now: datetime) -> int:
    old = (
        *_are_of_no_package(),
        MirrorPage.updated_at < before,
        or_(MirrorPage.lease_until.is_(None), MirrorPage.lease_until < now),
    )
    names = session.scalars(
        select(MirrorPage.package_id).where(*old).order_by(MirrorPage.updated_at).limit(BATCH)
    ).all()
    session.rollback()
    if not names:
        return 0
    with write_transaction(session):
        # Asked for meanwhile, a name stays.
        gone = delete(MirrorPage).where(MirrorPage.package_id.in_(names), *old)
        result = session.execute(gone.execution_options(synchronize_session=False))
        _forget_stamps(session, names)
    return cast("CursorResult[Any]", result).rowcount


def _forget_stamps(session: Session, names: Sequence[str]) -> None:
    # Who has an event had pages, of which somebody may keep a finished one with its stamp.
    gone = delete(PageStamp).where(
        PageStamp.package_id.in_(names),
        ~exists().where(MirrorPage.package_id == PageStamp.package_id),
        ~exists().where(Package.id == PageStamp.package_id),
        ~exists().where(Event.package_id == PageStamp.package_id),
    )
    session.execute(gone.execution_options(synchronize_session=False))


def _are_of_no_package() -> tuple[ColumnElement[bool], ...]:
    return (
        MirrorPage.state.in_([PageState.MISSING, PageState.UNKNOWN]),
        ~exists().where(Package.id == MirrorPage.package_id),
    )
