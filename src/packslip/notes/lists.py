"""The lists of notes that people look through. None of them holds what the reader may not see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache

from sqlalchemy import ColumnElement, Select, and_, bindparam, false, func, or_, select
from sqlalchemy.orm import Session, defer, joinedload

from packslip.accounts.models import Role, User
from packslip.notes.models import Note, NoteRevision, NoteTag, Visibility
from packslip.notes.queries import SHARED, acting, visible_to
from packslip.notes.word_index import having_words
from packslip.packages.models import Act
from packslip.packages.roles import packages_of
from packslip.packages.search_words import read_words

#: Notes on a page.
PAGE = 30

#: Tags that are offered above a list.
MAX_TAGS = 40

#: Revisions that are listed.
MAX_SAVES = 500


class Show(StrEnum):
    """Which notes a list has."""

    MINE = "mine"
    TEAM = "team"
    PINNED = "pinned"
    #: Of which somebody wanted to look by now whether they are still right.
    DUE = "due"
    ARCHIVED = "archived"
    DELETED = "deleted"


@dataclass(frozen=True)
class Found:
    """A page of a list."""

    notes: Sequence[Note]
    total: int
    page: int
    pages: int


def list_notes(
    session: Session,
    user: User,
    show: Show,
    *,
    tag: str | None = None,
    words: str = "",
    page: int = 1,
) -> Found:
    """A page of the user's list: pinned notes first, then those that changed last.

    With a tag it has only notes with it, with words only notes that have all of them in title, tags
    or body, as the search of the site reads them. Behind the last page there is none: the last one
    is given.
    """
    conditions = [_listed(user, show), *_with_words(session, words)]
    if tag is not None:
        conditions.append(Note.id.in_(select(NoteTag.note_id).where(NoteTag.tag == _text(tag))))
    total = session.scalar(select(func.count()).select_from(Note).where(*conditions)) or 0
    pages = max(1, -(-total // PAGE))
    page = min(max(1, page), pages)
    first = {Show.DELETED: Note.deleted_at.desc(), Show.DUE: Note.review_at.asc()}.get(
        show, Note.pinned.desc()
    )
    statement = (
        select(Note)
        .where(*conditions)
        .options(joinedload(Note.author), joinedload(Note.package))
        .order_by(first, Note.updated_at.desc(), Note.id.desc())
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    )
    return Found(session.scalars(statement).all(), total, page, pages)


def list_tags(session: Session, user: User, show: Show) -> Sequence[tuple[str, int]]:
    """The tags of the list's notes with how many have each, the most used first."""
    count = func.count()
    statement = (
        select(NoteTag.tag, count)
        .join(Note, Note.id == NoteTag.note_id)
        .where(_listed(user, show))
        .group_by(NoteTag.tag)
        .order_by(count.desc(), NoteTag.tag)
        .limit(MAX_TAGS)
    )
    return [(tag, number) for tag, number in session.execute(statement)]


def recent_team_notes(
    session: Session, limit: int, *, by: User | None = None, public: bool = False
) -> Sequence[Note]:
    """The notes that the team sees, the last changed first; with `by` those of that user.

    With `public` only those that everybody sees.
    """
    statement = _select_recent(of_user=by is not None, public=public)
    values = {"limit": limit} if by is None else {"limit": limit, "user_id": by.id}
    return session.scalars(statement, values).all()


@cache
def _select_recent(*, of_user: bool, public: bool) -> Select[Note]:
    visibilities = (Visibility.PUBLIC,) if public else SHARED
    statement = (
        select(Note)
        .where(Note.visibility.in_(visibilities), Note.deleted_at.is_(None), ~Note.archived)
        .options(joinedload(Note.author), joinedload(Note.package), defer(Note.body))
        .order_by(Note.updated_at.desc(), Note.id.desc())
        .limit(bindparam("limit"))
    )
    return statement.where(Note.user_id == bindparam("user_id")) if of_user else statement


def is_due(note: Note) -> bool:
    """Whether somebody wanted to look at the note again by now."""
    return note.review_at is not None and note.review_at <= datetime.now(UTC)


def due_acts(session: Session, user: User, limit: int) -> Sequence[Note]:
    """What acts and is due to be looked at again, and that the user may have a say in.

    Curators and admins have it of all, others of what they wrote and of packages that they look
    after. What is due longest comes first.
    """
    conditions = [visible_to(user), acting(), Note.review_at <= datetime.now(UTC)]
    if user.role not in {Role.CURATOR, Role.ADMIN}:
        theirs = packages_of(user.id)
        conditions.append(or_(Note.user_id == user.id, Note.package_id.in_(theirs)))
    statement = select(Note).where(*conditions)
    statement = statement.options(
        joinedload(Note.author), joinedload(Note.package), defer(Note.body)
    )
    return session.scalars(statement.order_by(Note.review_at, Note.id).limit(limit)).all()


def list_tags_of(session: Session, note: Note) -> Sequence[str]:
    """The tags of a note that somebody may see."""
    statement = select(NoteTag.tag).where(NoteTag.note_id == note.id)
    return session.scalars(statement.order_by(NoteTag.tag)).all()


def list_saves(session: Session, user: User, note: Note) -> Sequence[NoteRevision]:
    """The newest revisions of a note that the user may see, without their texts.

    Those that were saved while it was private are for its author alone.
    """
    statement = select(NoteRevision).where(NoteRevision.note_id == note.id)
    if user.id != note.user_id:
        statement = statement.where(NoteRevision.visibility.in_(SHARED))
    statement = statement.options(defer(NoteRevision.body), joinedload(NoteRevision.user))
    return session.scalars(statement.order_by(NoteRevision.number.desc()).limit(MAX_SAVES)).all()


def _listed(user: User, show: Show) -> ColumnElement[bool]:
    if show is Show.DELETED:
        return and_(Note.user_id == user.id, Note.deleted_at.is_not(None))
    conditions = {
        Show.MINE: (Note.user_id == user.id, ~Note.archived),
        Show.TEAM: (Note.visibility.in_(SHARED), ~Note.archived),
        Show.PINNED: (Note.pinned, ~Note.archived),
        Show.DUE: (
            Note.review_at <= datetime.now(UTC),
            ~Note.archived,
            or_(_does_nothing(), acting()),
        ),
        Show.ARCHIVED: (Note.archived,),
    }
    return and_(visible_to(user), *conditions[show])


def _does_nothing() -> ColumnElement[bool]:
    return Note.act == Act.NONE


def _with_words(session: Session, words: str) -> list[ColumnElement[bool]]:
    if not words.strip():
        return []
    wanted = read_words(words)
    # Signs alone are no words, and no note has them.
    return [having_words(session, wanted) if wanted else false()]


def _text(typed: str) -> str:
    # PostgreSQL refuses NUL in whatever is compared with a text.
    return typed.replace("\0", "\ufffd")
