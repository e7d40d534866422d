"""What may go, and removing it little by little so that nobody has to wait."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import ColumnElement, and_, delete, func, select, tuple_
from sqlalchemy.orm import Session

from packslip.accounts.models import AccountLink, Challenge, LoginSession
from packslip.db import Base, write_transaction
from packslip.downloads.archive import first_day_left
from packslip.downloads.models import Download
from packslip.events.models import Action, Event
from packslip.index.models import StagedUpload
from packslip.index.staged_uploads import clear_up
from packslip.notes.models import NoteDraft
from packslip.settings import Settings
from packslip.storage.protocol import Storage

#: Rows that are removed in one transaction.
_BATCH = 2000


@dataclass(frozen=True)
class Cleared:
    """How many of something went, or would go."""

    what: str
    count: int


@dataclass(frozen=True)
class _Stale:
    """Rows that may go."""

    what: str
    model: type[Base]
    condition: ColumnElement[bool]


def clear(
    session: Session, storage: Storage, settings: Settings, *, dry_run: bool
) -> Iterator[Cleared]:
    """Remove all that may go, and yield how much that was, kind by kind.

    What somebody asked to be kept for some time goes when that has passed; what has expired goes
    in any case. A `dry_run` only counts.

    Raises:
        UnavailableError: another process held the database for too long; the rest stays.
    """
    now = datetime.now(UTC)
    for stale in _stale(session, settings, now):
        count = _count(session, stale) if dry_run else _remove(session, stale)
        yield Cleared(stale.what, count)
    yield Cleared("uploads that nobody confirmed", _clear_uploads(session, storage, now, dry_run))
    yield Cleared("files left half written", storage.clean_staging(dry_run=dry_run))


def _stale(session: Session, settings: Settings, now: datetime) -> Iterator[_Stale]:
    if settings.keep_downloads is not None:
        before = now - timedelta(days=settings.keep_downloads)
        if settings.downloads_archive:
            left = first_day_left(session, now.astimezone(UTC).date())
            before = min(before, datetime.combine(left, time(), UTC))
        yield _Stale("downloads", Download, Download.created_at < before)
    if settings.keep_events is not None:
        before = now - timedelta(days=settings.keep_events)
        yield _Stale("events", Event, _is_past(session, before))
    if settings.keep_drafts is not None:
        before = now - timedelta(days=settings.keep_drafts)
        yield _Stale("drafts", NoteDraft, NoteDraft.updated_at < before)
    yield _Stale("sessions", LoginSession, LoginSession.expires_at <= now)
    yield _Stale("links", AccountLink, AccountLink.expires_at <= now)
    yield _Stale("challenges", Challenge, Challenge.expires_at <= now)


def _is_past(session: Session, before: datetime) -> ColumnElement[bool]:
    """Which events may go: those whose numbers nobody counts on.

    The latest event of a package is the serial of the whole index, which never goes back, and
    `packslip fsck` knows by an event which files were lost.
    """
    serial = session.scalar(select(func.max(Event.id)).where(Event.package_id.is_not(None)))
    session.rollback()
    return and_(
        Event.created_at < before, Event.action != Action.FILE_LOSE, Event.id != (serial or 0)
    )


def _count(session: Session, stale: _Stale) -> int:
    count = select(func.count()).select_from(stale.model).where(stale.condition)
    found = session.scalar(count) or 0
    session.rollback()
    return found


def _remove(session: Session, stale: _Stale) -> int:
    keys = list(stale.model.__mapper__.primary_key)
    removed = 0
    while True:
        with write_transaction(session):
            some = session.execute(select(*keys).where(stale.condition).limit(_BATCH)).all()
            if some:
                # What changed meanwhile, such as a draft, stays.
                chosen = tuple_(*keys).in_([tuple(row) for row in some])
                session.execute(delete(stale.model).where(chosen, stale.condition))
        removed += len(some)
        if len(some) < _BATCH:
            return removed


def _clear_uploads(session: Session, storage: Storage, now: datetime, dry_run: bool) -> int:
    ids = session.scalars(select(StagedUpload.id).where(StagedUpload.expires_at <= now)).all()
    session.rollback()
    if not dry_run:
        clear_up(session, storage, ids)
    return len(ids)
