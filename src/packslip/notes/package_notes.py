"""The notes that hang on a package, and what they do to it, as its own pages tell it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, or_, select
from sqlalchemy.orm import Session, joinedload

from packslip.accounts.models import User
from packslip.notes.about import is_acting, is_lasting
from packslip.notes.models import Note
from packslip.notes.queries import visible_to
from packslip.packages.models import Act, Release, StandingAct
from packslip.packages.version_ranges import covers

#: Notes on one page.
PER_PAGE = 30

#: Of a package with more releases the newest ones are looked at, to name those in a range.
MOST_RELEASES = 1000

#: So many releases are named beside a range.
NAMED = 4

#: What is told first.
_STRENGTH = (
    Act.QUARANTINE,
    Act.ARCHIVE,
    Act.DEPRECATE,
    Act.HOLD,
    Act.YANK,
    Act.WARN,
)


@dataclass(frozen=True, slots=True)
class ShownAct:
    """What a note does now. Everybody who may read the index may read it, as tools print it."""

    note_id: int
    act: Act
    #: None for the whole package.
    version_range: str | None
    #: Empty for a yank without a reason.
    title: str
    #: Who acts.
    username: str
    #: Whether that person has a page.
    has_page: bool
    since: datetime
    review_at: datetime | None
    expires_at: datetime | None
    #: Whether the reader may open the note.
    is_readable: bool

    @property
    def is_review_due(self) -> bool:
        """Whether somebody should have looked again by now whether it is still right."""
        return self.review_at is not None and self.review_at <= datetime.now(UTC)


@dataclass(frozen=True)
class PackageNotes:
    """What notes say about a package, or about the release of a page, for its reader."""

    #: Notes that the reader may see, those on other releases left out.
    number: int
    #: What acts on the package, the strongest first.
    acts: Sequence[ShownAct]

    def acts_on(self, version: str | None) -> list[ShownAct]:
        """What acts on that release; without one, what acts on the whole package."""
        if version is None:
            return [act for act in self.acts if act.version_range is None]
        return [act for act in self.acts if covers(act.version_range, version)]

    @property
    def readable(self) -> frozenset[int]:
        """The numbers of the acting notes that the reader may open."""
        return frozenset(act.note_id for act in self.acts if act.is_readable)


@dataclass(frozen=True)
class ListedNote:
    """A note on the page of a package's notes."""

    note: Note
    #: What it does now; None when it does nothing.
    act: Act | None
    #: The newest releases that are in its range; none for a note on the whole package.
    versions: Sequence[str]
    #: How many more are in it.
    more: int


@dataclass(frozen=True)
class NoteListing:
    """One page of a package's notes."""

    notes: Sequence[ListedNote]
    total: int
    page: int
    pages: int


def read_package_notes(
    session: Session, user: User | None, package_id: str, version: str | None
) -> PackageNotes:
    """What notes say about the package; with a version, only those on that release are counted.

    It takes two statements, however many notes there are.
    """
    numbers = _count_by_range(session, user, package_id)
    number = sum(numbers[one] for one in _ranges_covering(numbers, version))
    return PackageNotes(number, list_shown_acts(session, user, package_id))


def list_shown_acts(session: Session, user: User | None, package_id: str) -> Sequence[ShownAct]:
    """What acts on the package, the strongest first."""
    statement = _PUBLIC_ACTS if user is None else _select_acts(user)
    rows = session.execute(statement, {"package": package_id})
    acts = [
        ShownAct(
            note_id=act.note_id,
            act=Act(act.act),
            version_range=act.version_range,
            title=act.title,
            username=act.username,
            has_page=bool(has_page),
            since=act.created_at,
            review_at=review_at,
            expires_at=act.expires_at,
            is_readable=bool(is_readable),
        )
        for act, review_at, is_readable, has_page in rows
    ]
    return sorted(acts, key=lambda act: _STRENGTH.index(act.act))


def list_notes_on(
    session: Session, user: User | None, package_id: str, version: str | None, page: int
) -> NoteListing:
    """One page of the notes on the package that the user may see; pages begin with 1.

    Those that act come first, then pinned ones, then the newest. With a version there are only
    notes on that release. What its author has archived is left out, unless it acts.
    """
    numbers = _count_by_range(session, user, package_id)
    ranges = _ranges_covering(numbers, version)
    total = sum(numbers[one] for one in ranges)
    pages = max(1, -(-total // PER_PAGE))
    page = min(max(page, 1), pages)
    rows = session.execute(
        select(Note, StandingAct.act)
        .outerjoin(StandingAct, is_acting())
        .where(_listed(user, package_id), _is_among(ranges))
        .options(joinedload(Note.author))
        .order_by(StandingAct.note_id.is_(None), Note.pinned.desc(), Note.id.desc())
        .limit(PER_PAGE)
        .offset((page - 1) * PER_PAGE)
    ).all()
    found = _releases_in(session, package_id, {note.version_range for note, _ in rows})
    listed = [
        ListedNote(
            note,
            Act(act) if act else None,
            found[note.version_range][:NAMED],
            max(0, len(found[note.version_range]) - NAMED),
        )
        for note, act in rows
    ]
    return NoteListing(listed, total, page, pages)


def _listed(user: User | None, package_id: str | None = None) -> ColumnElement[bool]:
    """The notes on the package; without one, on that of the parameter `package`."""
    is_kept = or_(~Note.archived, StandingAct.note_id.is_not(None))
    package = bindparam("package") if package_id is None else package_id
    return and_(visible_to(user), Note.package_id == package, is_kept)


def _select_ranges(user: User | None) -> Select[*tuple[Any, ...]]:
    return (
        select(Note.version_range, func.count())
        .select_from(Note)
        .outerjoin(StandingAct, is_acting())
        .where(_listed(user))
        .group_by(Note.version_range)
    )


def _select_acts(user: User | None) -> Select[*tuple[Any, ...]]:
    return (
        select(
            StandingAct,
            Note.review_at,
            visible_to(user).label("is_readable"),
            and_(User.id.is_not(None), User.disabled_at.is_(None)).label("has_page"),
        )
        .outerjoin(Note, Note.id == StandingAct.note_id)
        .outerjoin(User, User.username == StandingAct.username)
        .where(StandingAct.package_id == bindparam("package"), is_lasting())
        .order_by(StandingAct.note_id)
    )


# Made once for everybody who is not logged in: that takes longer than running them.
_PUBLIC_RANGES = _select_ranges(None)
_PUBLIC_ACTS = _select_acts(None)


def _count_by_range(
    session: Session, user: User | None, package_id: str
) -> Mapping[str | None, int]:
    """How many notes there are on each range of versions; None is the whole package."""
    statement = _PUBLIC_RANGES if user is None else _select_ranges(user)
    rows = session.execute(statement, {"package": package_id})
    return {row[0]: row[1] for row in rows}


def _ranges_covering(ranges: Iterable[str | None], version: str | None) -> list[str | None]:
    # Ranges are understood by our code alone.
    return [one for one in ranges if version is None or covers(one, version)]


def _is_among(ranges: Collection[str | None]) -> ColumnElement[bool]:
    written = sorted(one for one in ranges if one is not None)
    among = Note.version_range.in_(written)
    return or_(Note.version_range.is_(None), among) if None in ranges else among


def _releases_in(
    session: Session, package_id: str, ranges: Collection[str | None]
) -> Mapping[str | None, Sequence[str]]:
    """The versions that are in each of the ranges, the newest first; none for all of them."""
    if not any(ranges):
        return dict.fromkeys(ranges, ())
    newest = (
        select(Release.version)
        .where(Release.package_id == package_id)
        .order_by(Release.sort_key.desc())
        .limit(MOST_RELEASES)
    )
    versions = session.scalars(newest).all()
    return {
        one: [version for version in versions if covers(one, version)] if one else ()
        for one in ranges
    }
