"""For whom notes are read, by tools as by people, and which notes those are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, select
from sqlalchemy.orm import Session, joinedload

from packslip.accounts.identity import Identity
from packslip.accounts.models import Scope, User
from packslip.db import is_key
from packslip.notes.about import visible
from packslip.notes.errors import UnknownNoteError
from packslip.notes.models import Note, NoteRevision
from packslip.notes.queries import SHARED, list_revisions


@dataclass(frozen=True)
class NoteReader:
    """Somebody who reads notes."""

    #: None for nobody, and for whoever runs the index.
    user: User | None = None
    #: Whether the user's own private notes are read.
    with_own: bool = True
    #: Only notes on these packages.
    packages: Collection[str] | None = None
    #: Whoever runs the index reads what the team reads.
    is_team: bool = False


def reader_of(identity: Identity | None) -> NoteReader:
    """How somebody who is known by a header, or by a browser's session, reads notes.

    Tokens lie about in the settings of many tools. So those that are for packages read no private
    notes, and those that are limited to packages only notes on these.
    """
    if identity is None:
        return NoteReader()
    token = identity.token
    if token is None:
        return NoteReader(identity.user)
    return NoteReader(identity.user, with_own=token.scope == Scope.NOTES, packages=token.packages)


def readable_by(reader: NoteReader) -> ColumnElement[bool]:
    """The condition on `Note` that holds for the notes that are read."""
    seen = visible(reader.user, is_team=reader.is_team, with_own=reader.with_own)
    if reader.packages is None:
        return seen
    return and_(seen, Note.package_id.in_(sorted(reader.packages)))


def select_readable(reader: NoteReader) -> Select[Note]:
    """These notes, with their authors and packages; add conditions and an order."""
    notes = select(Note).where(readable_by(reader))
    return notes.options(joinedload(Note.author), joinedload(Note.package))


def get_readable(session: Session, reader: NoteReader, note_id: int) -> Note:
    """One of them, as it is now.

    Raises:
        UnknownNoteError: there is none, or it is not for this reader.
    """
    found = None
    if is_key(note_id):
        statement = select_readable(reader).where(Note.id == note_id)
        found = session.scalar(statement.execution_options(populate_existing=True))
    if found is None:
        raise UnknownNoteError(note_id)
    return found


def readable_revisions(session: Session, reader: NoteReader, note: Note) -> list[NoteRevision]:
    """The revisions of a note that this reader may see, the newest first.

    Those that were saved while it was private are private.
    """
    found = list_revisions(session, reader.user, note)
    return [one for one in found if reader.with_own or one.visibility in SHARED]
