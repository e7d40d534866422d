"""Finding notes: what may be asked for, and the notes that it is, page by page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, false, func, or_, select, true
from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.notes.models import Note, NoteTag, Visibility
from packslip.notes.queries import SHARED, acting
from packslip.notes.readers import NoteReader, readable_by, select_readable
from packslip.notes.word_index import having_words
from packslip.packages.models import Act
from packslip.packages.search_words import SearchWords, read_words
from packslip.packages.version_ranges import covers

#: Notes that are found by words are counted up to this.
MOST_COUNTED = 1000


class Whose(StrEnum):
    """Whose notes are asked for, of those that can be read."""

    #: One's own, whoever can see them.
    MINE = "mine"
    #: Those that the team can see, public ones among them.
    TEAM = "team"
    PUBLIC = "public"


@dataclass(frozen=True, kw_only=True)
class NoteFilter:
    """What notes must be; None leaves it open."""

    whose: Whose | None = None
    #: The normalised name of a package.
    package: str | None = None
    #: A version of that package, which the note is about.
    version: str | None = None
    act: Act | None = None
    #: Whether it does something now.
    acting: bool | None = None
    #: Without `#`.
    tag: str | None = None
    #: A username.
    author: str | None = None
    archived: bool | None = None
    #: Words in title, tags and body.
    text: str = ""


@dataclass(frozen=True)
class NotePage:
    """Some notes, and from where the next ones go on."""

    notes: Sequence[Note]
    #: The number before which the next page's notes come; None on the last page.
    before: int | None


@dataclass(frozen=True)
class FoundNotes:
    """The notes that a search found, the best ones first."""

    notes: Sequence[Note]
    #: How many there are, at most `MOST_COUNTED`.
    total: int


NO_NOTES = FoundNotes((), 0)


def list_notes(
    session: Session,
    reader: NoteReader,
    wanted: NoteFilter,
    *,
    limit: int | None = None,
    before: int | None = None,
) -> NotePage:
    """The notes that fit, the newest first, at most `limit` of those whose number is less."""
    statement = select_readable(reader).where(*_conditions(session, reader, wanted))
    statement = statement.order_by(Note.id.desc())
    if before is not None:
        statement = statement.where(Note.id < before)
    if limit is None:
        return NotePage(session.scalars(statement).all(), None)
    found = session.scalars(statement.limit(limit + 1)).all()
    is_more = len(found) > limit
    return NotePage(found[:limit], found[limit - 1].id if is_more else None)


def find_notes(session: Session, reader: NoteReader, text: str, limit: int) -> FoundNotes:
    """The notes that have the words: in their titles first, then those that changed last."""
    words = read_words(text)
    if not words:
        return NO_NOTES
    fits = (readable_by(reader), having_words(session, words))
    counted = select(Note.id).where(*fits).limit(MOST_COUNTED).subquery()
    total = session.scalar(select(func.count()).select_from(counted)) or 0
    if not total:
        return NO_NOTES
    best = having_words(session, words, in_title=True)
    statement = select_readable(reader).where(*fits)
    statement = statement.order_by(best.desc(), Note.updated_at.desc(), Note.id.desc())
    return FoundNotes(session.scalars(statement.limit(limit)).all(), total)


def tags_of(session: Session, note_ids: Collection[int]) -> Mapping[int, Sequence[str]]:
    """The tags of each of the notes, in their order; none for a number that has none."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    rows = select(NoteTag.note_id, NoteTag.tag).where(NoteTag.note_id.in_(sorted(note_ids)))
    for note_id, tag in session.execute(rows.order_by(NoteTag.note_id, NoteTag.tag)):
        found[note_id].append(tag)
    return found


def _conditions(
    session: Session, reader: NoteReader, wanted: NoteFilter
) -> list[ColumnElement[bool]]:
    conditions = [_whose(reader, wanted.whose)]
    if wanted.package is not None:
        conditions.append(Note.package_id == wanted.package)
    if wanted.version is not None:
        conditions.append(_about(session, reader, wanted))
    if wanted.act is not None:
        conditions.append(Note.act == wanted.act)
    if wanted.acting is not None:
        conditions.append(acting() if wanted.acting else ~acting())
    if wanted.tag is not None:
        tagged = select(NoteTag.note_id).where(NoteTag.tag == wanted.tag.lower())
        conditions.append(Note.id.in_(tagged))
    if wanted.author is not None:
        conditions.append(Note.author.has(User.username == wanted.author.lower()))
    if wanted.archived is not None:
        conditions.append(Note.archived == wanted.archived)
    if wanted.text.strip():
        words: SearchWords = read_words(wanted.text)
        conditions.append(having_words(session, words) if words else false())
    return conditions


def _whose(reader: NoteReader, whose: Whose | None) -> ColumnElement[bool]:
    if whose is None:
        return true()
    if whose is Whose.MINE:
        return false() if reader.user is None else Note.user_id == reader.user.id
    if whose is Whose.TEAM:
        return Note.visibility.in_(SHARED)
    return Note.visibility == Visibility.PUBLIC


def _about(session: Session, reader: NoteReader, wanted: NoteFilter) -> ColumnElement[bool]:
    """Whether a note is about the version. Ranges are understood by our code alone."""
    ranges = select(Note.version_range).where(
        readable_by(reader), Note.package_id == wanted.package, Note.version_range.is_not(None)
    )
    covering = [
        one for one in session.scalars(ranges.distinct()) if covers(one, wanted.version or "")
    ]
    return or_(Note.version_range.is_(None), Note.version_range.in_(covering))
