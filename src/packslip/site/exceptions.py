"""Asking for exceptions from the rules of the mirror, and deciding on them.

Who asks writes a note for the team, on the package, with the tag `#rule-exception`; so it can be
found, linked and commented like any other. What is decided is kept beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.errors import ConflictError, InvalidError, NotAllowedError
from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.mirror.rule_fields import MAX_REASON
from packslip.mirror.rule_models import MirrorDecision, MirrorRule
from packslip.mirror.rule_operations import (
    RuleNotAllowedError,
    add_rule,
    decide_request,
    may_change_rules,
)
from packslip.mirror.rules import Kind, Rule
from packslip.notes.acts import lock_note
from packslip.notes.comments import add_comment
from packslip.notes.errors import UnknownNoteError
from packslip.notes.fields import NoteFields
from packslip.notes.models import Note, NoteTag, Visibility
from packslip.notes.operations import create_note
from packslip.notes.queries import SHARED, select_notes
from packslip.packages.models import Origin, Package
from packslip.packages.queries import get_package
from packslip.packages.version_ranges import parse_range

#: The tag of a note that asks for an exception.
TAG = "rule-exception"


class NotMirroredError(NotAllowedError):
    """Rules say nothing about packages that are hosted here."""

    def __init__(self, package_id: str) -> None:
        super().__init__(f"The package {package_id!r} is hosted here: no rule is about it.")


class NoWhyError(InvalidError):
    """A request, or a refusal of one, says nothing."""

    field = "why"

    def __init__(self) -> None:
        super().__init__("Say why.")


class ChangedRequestError(ConflictError):
    """The note was saved after it was shown to whoever decides."""

    def __init__(self, note_id: int) -> None:
        super().__init__(f"The note {note_id} was changed meanwhile. Please read it again.")


class DecidedError(ConflictError):
    """Somebody decided before."""

    def __init__(self, note_id: int) -> None:
        super().__init__(f"What the note {note_id} asks for was decided meanwhile.")


def ask_exception(
    session: Session, actor: Actor, user: User, package_id: str, *, versions: str | None, why: str
) -> Note:
    """Ask for an exception for a mirrored package, by a note that the team sees.

    Raises:
        UnknownPackageError: there is no such package.
        NotMirroredError: it is hosted here.
        InvalidError: nothing is said, too much, or the versions are no range.
    """
    package = get_package(session, package_id)
    if package.origin != Origin.MIRRORED:
        raise NotMirroredError(package.id)
    if not why.strip():
        raise NoWhyError
    version_range = parse_range(versions)
    about = f"{package.id} {version_range}" if version_range else package.id
    fields = NoteFields(
        title=f"Exception asked for: {about}"[:200],
        body=f"{why.strip()}\n\n#{TAG}",
        visibility=Visibility.TEAM,
        package=package.id,
        version_range=version_range,
    )
    return create_note(session, actor, user, fields)


def list_requests(
    session: Session, user: User | None, package_id: str | None = None
) -> Sequence[Note]:
    """The notes that ask for exceptions on which nobody has decided, the oldest first."""
    wanted = _requests(user).order_by(Note.id)
    if package_id is not None:
        wanted = wanted.where(Note.package_id == package_id)
    return session.scalars(wanted).all()


def get_request(session: Session, user: User | None, note_id: int) -> Note:
    """A note that asks for an exception on which nobody has decided.

    Raises:
        UnknownNoteError: there is none of that number for this person.
    """
    found = session.scalar(_requests(user).where(Note.id == note_id))
    if found is None:
        raise UnknownNoteError(note_id)
    return found


def decisions(session: Session, limit: int) -> Sequence[tuple[MirrorDecision, str | None]]:
    """The latest decisions, each with the title of its note if the team still sees it."""
    rows = session.execute(
        select(MirrorDecision, Note.title)
        .outerjoin(
            Note,
            (Note.id == MirrorDecision.note_id)
            & Note.deleted_at.is_(None)
            & Note.visibility.in_(SHARED),
        )
        .order_by(MirrorDecision.created_at.desc(), MirrorDecision.note_id.desc())
        .limit(limit)
    )
    return [(decision, title) for decision, title in rows]


def approve(
    session: Session,
    actor: Actor,
    user: User,
    note_id: int,
    *,
    edition: int,
    versions: str | None,
    days: int,
    lifts_deny: bool = False,
) -> MirrorRule:
    """Make the exception that a note asks for, for these versions and so many days.

    Raises:
        UnknownNoteError: there is no such request for this person.
        ChangedRequestError, DecidedError: it is not any more what was shown.
        RuleNotAllowedError: the user does not decide on exceptions.
        RuleFieldError: the versions or the days will not do.
    """
    note = _lock(session, user, note_id, edition)
    rule = Rule(
        kind=Kind.EXCEPTION,
        packages=(note.package_id or "",),
        version_range=versions,
        expires_at=_in_days(days),
        lifts_deny=lifts_deny,
        reason=note.title[:MAX_REASON],
        note_id=note.id,
    )
    made = add_rule(session, actor, user, rule)
    decide_request(session, actor, note.id, rule=made)
    until = f"{made.expires_at:%Y-%m-%d %H:%M} UTC"
    about = made.version_range or "all versions"
    add_comment(session, actor, user, note, f"Approved for {about} until {until}.")
    return made


def decline(
    session: Session, actor: Actor, user: User, note_id: int, *, edition: int, why: str
) -> Note:
    """Make no exception, and say why in a comment on the note that asks for it.

    Raises:
        UnknownNoteError: there is no such request for this person.
        ChangedRequestError, DecidedError: it is not any more what was shown.
        RuleNotAllowedError: the user does not decide on exceptions.
        InvalidError: nothing is said, or too much.
    """
    if not why.strip():
        raise NoWhyError
    note = _lock(session, user, note_id, edition)
    add_comment(session, actor, user, note, f"Declined: {why.strip()}")
    decide_request(session, actor, note.id, rule=None)
    data = {"note_id": note.id, "title": note.title, "package": note.package_id}
    record(session, actor, Action.EXCEPTION_DECLINE, data=data)
    return note


def _in_days(days: int) -> datetime:
    # Far more than is allowed, and within the calendar.
    return datetime.now(UTC) + timedelta(days=max(-1, min(days, 10_000)))


def _requests(user: User | None) -> Select[Note]:
    return (
        select_notes(user)
        .join(Package, Note.package_id == Package.id)
        .where(
            Package.origin == Origin.MIRRORED,
            Note.visibility.in_(SHARED),
            exists().where(NoteTag.note_id == Note.id, NoteTag.tag == TAG),
            ~exists().where(MirrorDecision.note_id == Note.id),
        )
    )


def _lock(session: Session, user: User, note_id: int, edition: int) -> Note:
    """The request, if it is still as it was shown, and this person decides on it."""
    session.refresh(user)
    if not may_change_rules(user, Kind.EXCEPTION):
        raise RuleNotAllowedError(Kind.EXCEPTION)
    if session.get(MirrorDecision, note_id) is not None:
        raise DecidedError(note_id)
    note = lock_note(session, user, get_request(session, user, note_id))
    # Whoever held the lock may have decided.
    if session.get(MirrorDecision, note_id) is not None:
        raise DecidedError(note_id)
    if note.edition != edition:
        raise ChangedRequestError(note_id)
    return get_request(session, user, note_id)


def titles_of(
    session: Session, user: User | None, rules: Sequence[MirrorRule]
) -> Mapping[int, str]:
    """The titles of the notes that asked for these exceptions, as far as the user may see them."""
    ids = {rule.note_id for rule in rules if rule.note_id is not None}
    if not ids:
        return {}
    rows = select_notes(user).where(Note.id.in_(sorted(ids)))
    return {note.id: note.title for note in session.scalars(rows)}
