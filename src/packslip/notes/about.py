"""Notes about packages, as other domains show them: what they say and do, without their texts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, and_, bindparam, or_, select
from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.db import UTCDateTime
from packslip.notes.models import Note, Visibility
from packslip.notes.queries import SHARED, visible_to
from packslip.packages.models import Act, StandingAct
from packslip.packages.version_ranges import covers


@dataclass(frozen=True, slots=True)
class NoteAbout:
    """A note that is attached to a package."""

    id: int
    package_id: str
    title: str
    #: What it does now.
    act: str
    #: None for the whole package.
    version_range: str | None
    is_public: bool

    def covers(self, version: str) -> bool:
        """Whether it is about this version."""
        return covers(self.version_range, version)


def notes_about(
    session: Session,
    package_ids: Collection[str],
    user: User | None,
    *,
    is_team: bool = False,
    with_own: bool = False,
    with_acts: bool = False,
) -> Sequence[NoteAbout]:
    """Notes on the packages that the user may see, by their number; it takes one statement.

    Members see public notes and the team's, others public ones alone; `is_team` stands for a member
    where there is no user. Private notes are among them only `with_own`. What acts can be read by
    everybody, as tools print it: `with_acts` adds it.
    """
    seen = visible(user, is_team=is_team, with_own=with_own)
    if with_acts:
        seen = or_(seen, StandingAct.note_id.is_not(None))
    rows = session.execute(
        select(
            Note.id, Note.package_id, Note.title, Note.version_range, Note.visibility,
            StandingAct.act,
        )
        .outerjoin(StandingAct, is_acting())
        .where(Note.package_id.in_(sorted(package_ids)), Note.deleted_at.is_(None), seen)
        .order_by(Note.id)
    )  # fmt: skip
    return [
        NoteAbout(
            id=row.id,
            package_id=row.package_id,
            title=row.title,
            act=row.act or Act.NONE.value,
            version_range=row.version_range,
            is_public=row.visibility == Visibility.PUBLIC,
        )
        for row in rows
    ]


#: The moment at which a statement is run, however long ago it was made.
_NOW = bindparam("moment", callable_=lambda: datetime.now(UTC), type_=UTCDateTime())


def is_acting() -> ColumnElement[bool]:
    """The condition that joins a note to what it does now: what has expired does nothing more."""
    return and_(StandingAct.note_id == Note.id, is_lasting())


def is_lasting() -> ColumnElement[bool]:
    """The condition on an act that has not expired."""
    return or_(StandingAct.expires_at.is_(None), StandingAct.expires_at > _NOW)


def visible(
    user: User | None, *, is_team: bool = False, with_own: bool = False
) -> ColumnElement[bool]:
    """The condition for notes that somebody may see; private ones only `with_own`."""
    if is_team and user is None:
        return and_(Note.deleted_at.is_(None), Note.visibility.in_(SHARED))
    seen = visible_to(user)
    return seen if with_own else and_(seen, Note.visibility != Visibility.PRIVATE)


def covering(notes: Iterable[NoteAbout], version: str) -> list[NoteAbout]:
    """The notes about some releases, this version among them."""
    return [note for note in notes if note.version_range is not None and note.covers(version)]


def noted_ranges(session: Session, package_ids: Collection[str]) -> dict[str, list[str | None]]:
    """By package, the ranges of versions that notes are about, whoever may see them."""
    rows = session.execute(
        select(Note.package_id, Note.version_range)
        .where(Note.package_id.in_(sorted(package_ids)), Note.deleted_at.is_(None))
        .distinct()
    )
    found: dict[str, list[str | None]] = {}
    for package_id, version_range in rows:
        if package_id is not None:
            found.setdefault(package_id, []).append(version_range)
    return found
