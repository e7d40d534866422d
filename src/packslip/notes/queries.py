"""Reading notes, each for somebody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session, joinedload

from packslip.accounts.models import User
from packslip.db import is_key
from packslip.notes.errors import UnknownCommentError, UnknownNoteError, UnknownRevisionError
from packslip.notes.models import Note, NoteComment, NoteRevision, Visibility
from packslip.packages.models import Act, Package

SHARED = (Visibility.TEAM, Visibility.PUBLIC)


def visible_to(user: User | None) -> ColumnElement[bool]:
    """The condition on `Note` that holds for the notes that the user may see.

    Their own, those that the team can see, and public ones; nobody, and who is disabled, sees
    public ones alone. Everything that reads notes asks for it: an admin is no exception. Whether
    the index can be read at all is asked before.
    """
    if user is None or user.disabled_at is not None:
        return and_(Note.deleted_at.is_(None), Note.visibility == Visibility.PUBLIC)
    return and_(
        Note.deleted_at.is_(None), or_(Note.user_id == user.id, Note.visibility.in_(SHARED))
    )


def select_notes(user: User | None) -> Select[Note]:
    """The notes that the user may see, with their authors; add conditions and an order."""
    return select(Note).where(visible_to(user)).options(joinedload(Note.author))


def acting() -> ColumnElement[bool]:
    """The condition on `Note` that holds while it acts."""
    return and_(
        Note.act != Act.NONE,
        Note.lifted_at.is_(None),
        Note.deleted_at.is_(None),
        Note.package_id.is_not(None),
    )


def get_note(session: Session, user: User | None, note_id: int) -> Note:
    """The note of that number, as it is now, for this person.

    Raises:
        UnknownNoteError: there is none, or this person may not see it.
    """
    found = session.scalar(_current(select_notes(user), note_id)) if is_key(note_id) else None
    if found is None:
        raise UnknownNoteError(note_id)
    return found


def get_deleted_note(session: Session, user: User, note_id: int) -> Note:
    """A note in this person's own bin.

    Raises:
        UnknownNoteError: there is none.
    """
    mine = _deleted(user).options(joinedload(Note.author))
    found = session.scalar(_current(mine, note_id)) if is_key(note_id) else None
    if found is None:
        raise UnknownNoteError(note_id)
    return found


def list_deleted(session: Session, user: User) -> Sequence[Note]:
    """What is in this person's bin, the newest first."""
    return session.scalars(_deleted(user).order_by(Note.deleted_at.desc(), Note.id)).all()


def list_package_notes(session: Session, user: User | None, package_id: str) -> Sequence[Note]:
    """The notes on the package that the user may see, the newest first."""
    statement = select_notes(user).where(Note.package_id == package_id)
    return session.scalars(statement.order_by(Note.id.desc())).all()


def list_acting_notes(session: Session, package_id: str) -> Sequence[Note]:
    """The notes that act on the package now, the oldest first. The team sees all of them."""
    statement = select(Note).where(Note.package_id == package_id, acting())
    return session.scalars(statement.options(joinedload(Note.author)).order_by(Note.id)).all()


def list_revisions(session: Session, user: User | None, note: Note) -> Sequence[NoteRevision]:
    """The revisions of a note that the user may see, the newest first, with who saved them.

    Those that were saved while it was private are for its author alone.
    """
    statement = _revisions(user, note).order_by(NoteRevision.number.desc())
    return session.scalars(statement).all()


def get_revision(session: Session, user: User | None, note: Note, number: int) -> NoteRevision:
    """One of them.

    Raises:
        UnknownRevisionError: there is none, or this person may not see it.
    """
    wanted = _revisions(user, note).where(NoteRevision.number == number)
    found = session.scalar(wanted) if 0 < number < 2**31 else None
    if found is None:
        raise UnknownRevisionError(note.id, number)
    return found


def list_comments(session: Session, note: Note) -> Sequence[NoteComment]:
    """The comments on a note that somebody may see, the oldest first, with who wrote them."""
    statement = select(NoteComment).where(
        NoteComment.note_id == note.id, NoteComment.deleted_at.is_(None)
    )
    statement = statement.options(joinedload(NoteComment.user)).order_by(NoteComment.id)
    return session.scalars(statement).all()


def get_comment(session: Session, user: User, comment_id: int) -> tuple[Note, NoteComment]:
    """A comment that is there, with its note, which the user may see.

    Raises:
        UnknownCommentError: there is none, or this person may not see its note.
    """
    found = None
    if is_key(comment_id):
        found = session.scalar(
            select(NoteComment)
            .where(NoteComment.id == comment_id, NoteComment.deleted_at.is_(None))
            .execution_options(populate_existing=True)
        )
    if found is None:
        raise UnknownCommentError(comment_id)
    try:
        return get_note(session, user, found.note_id), found
    except UnknownNoteError:
        raise UnknownCommentError(comment_id) from None


def expired_packages(session: Session, now: datetime) -> Sequence[str]:
    """The packages on which acts stand that have expired."""
    expired = select(Package.id).where(Package.acts_until <= now)
    return session.scalars(expired.order_by(Package.id)).all()


def is_any_expired(session: Session, package_id: str, now: datetime) -> bool:
    """Whether acts stand on the package that have expired."""
    expired = select(Package.id).where(Package.id == package_id, Package.acts_until <= now)
    return session.scalar(expired) is not None


def is_any_long_deleted(session: Session, before: datetime) -> bool:
    """Whether there are notes that were deleted before that moment."""
    old = select(Note.id).where(Note.deleted_at <= before)
    return session.scalar(old.limit(1)) is not None


def is_detached() -> ColumnElement[bool]:
    """The condition on `Note` that holds while it would act, but its package was removed."""
    return and_(Note.act != Act.NONE, Note.lifted_at.is_(None), Note.package_id.is_(None))


def _current(statement: Select[Note], note_id: int) -> Select[Note]:
    found = statement.where(Note.id == note_id)
    return found.execution_options(populate_existing=True)


def _deleted(user: User) -> Select[Note]:
    return select(Note).where(Note.user_id == user.id, Note.deleted_at.is_not(None))


def _revisions(user: User | None, note: Note) -> Select[NoteRevision]:
    statement = select(NoteRevision).where(NoteRevision.note_id == note.id)
    if user is None or user.id != note.user_id:
        statement = statement.where(NoteRevision.visibility.in_(SHARED))
    return statement.options(joinedload(NoteRevision.user))
