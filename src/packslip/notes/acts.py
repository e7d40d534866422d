"""What notes do: beginning, changing, lifting and expiring, with all that follows from it.

The note, its row in `acts`, what the index says and the event change in one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.errors import ConflictError
from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.notes.access import require_act
from packslip.notes.errors import NotActingError, UnknownNoteError
from packslip.notes.fields import check_act, fields_of
from packslip.notes.models import Note, Visibility
from packslip.notes.queries import get_note, is_detached
from packslip.packages.effects import list_acts, take_effect
from packslip.packages.models import Act, Package, StandingAct
from packslip.subscriptions.announcements import announce

#: Who ends what has expired. No username holds a space, so nobody can pass for it.
CLOCK = Actor("this index")


class ChangedMeanwhileError(ConflictError):
    """The note was moved to another package at the same moment."""

    def __init__(self, note_id: int) -> None:
        super().__init__(f"The note {note_id} was changed at the same moment. Please try again.")


def lock_note(session: Session, user: User | None, note: Note, *packages: str | None) -> Note:
    """The note as it is now, for this person; it stays so until the transaction ends.

    So do its package and those named: they are locked before the note, and in one order, so that
    nobody waits for each other. Without a user it is for the command line, which reads all.

    Raises:
        UnknownNoteError: there is none any more, or this person may not see it.
        ChangedMeanwhileError: it hangs on another package by now.
    """
    note_id, package_id = note.id, note.package_id
    for name in sorted({one for one in (package_id, *packages) if one is not None}):
        session.get(Package, name, with_for_update=True)
    found = session.get(Note, note_id, with_for_update=True)
    if found is None or (user is None and found.deleted_at is not None):
        raise UnknownNoteError(note_id)
    if user is not None:
        session.refresh(user)
        found = get_note(session, user, note_id)
    if found.package_id not in {None, package_id, *packages}:
        raise ChangedMeanwhileError(note_id)
    return found


def state_of(note: Note) -> dict[str, Any] | None:
    """What the note does, as events tell it; None while it does nothing."""
    if not note.is_acting:
        return None
    return {
        "act": note.act,
        "version_range": note.version_range,
        "title": note.title,
        "visibility": note.visibility,
        "fixed_in": note.fixed_in,
        "expires_at": None if note.expires_at is None else note.expires_at.isoformat(),
    }


def settle(
    session: Session,
    actor: Actor,
    note: Note,
    before: Mapping[str, Any] | None,
    *,
    username: str,
    ended_by: Action = Action.ACT_LIFT,
) -> None:
    """Let what the note does now take effect, after it was changed; `before` is its old state.

    Call it with the package locked. `username` is who acts, if it does something else than
    before.
    """
    after = state_of(note)
    if before == after or note.package_id is None:
        return
    session.flush()
    _write_row(session, note, username)
    shown = before if after is None else after
    assert shown is not None
    data = {
        "note_id": note.id,
        "title": shown["title"],
        "act": shown["act"],
        "version_range": shown["version_range"],
        "before": before,
        "after": after,
    }
    ended = ended_by if after is None else Action.ACT_CHANGE
    action = Action.ACT_BEGIN if before is None else ended
    event = record(session, actor, action, package_id=note.package_id, data=data)
    take_effect(session, session.get_one(Package, note.package_id), event)
    announce(session, event)


def lift_act(session: Session, actor: Actor, user: User | None, note: Note) -> Note:
    """End what the note does. The note stays, with what it did.

    Without a user it is the command line that does it, which needs no rights.

    Raises:
        UnknownNoteError: there is no such note for this person.
        ActNotAllowedError: this person may not do such an act, whether they wrote it or not.
        NotActingError: the note does nothing.
    """
    note = lock_note(session, user, note)
    before = state_of(note)
    require_liftable(session, user, note)
    note.lifted_at, note.lifted_by = datetime.now(UTC), user
    settle(session, actor, note, before, username=actor.name)
    return note


def resume_act(session: Session, actor: Actor, user: User | None, note: Note) -> Note:
    """Let a note that was lifted, or has expired, act again as it did.

    Raises:
        UnknownNoteError: there is no such note for this person.
        ActNotAllowedError: this person may not do such an act.
        NotActingError: it acts already, or there is nothing that it could do.
        NoteFieldError: the time at which it expires is past.
    """
    note = lock_note(session, user, note)
    require_resumable(session, user, note)
    note.lifted_at = note.lifted_by = None
    settle(session, actor, note, None, username=(user or note.author).username)
    return note


def require_liftable(session: Session, user: User | None, note: Note) -> None:
    """Allow the person to lift what the note does; raises what `lift_act` does."""
    if not note.is_acting or note.package is None:
        raise NotActingError(note.id, "does not act")
    if user is not None:
        require_act(session, user, note.package, Act(note.act))


def require_resumable(session: Session, user: User | None, note: Note) -> None:
    """Allow the person to let the note act again; raises what `resume_act` does."""
    if note.is_acting:
        raise NotActingError(note.id, "acts already")
    if note.act == Act.NONE or note.package is None or note.visibility == Visibility.PRIVATE:
        raise NotActingError(note.id, "has nothing to do that the team can see")
    if user is not None:
        require_act(session, user, note.package, Act(note.act))
    check_act(fields_of(note))


def expire_acts(session: Session, package_id: str) -> list[Note]:
    """End what acts on the package and has expired, inside of a write transaction.

    Returns:
        The notes that acted; none when another process came first.
    """
    package = session.get(Package, package_id, with_for_update=True)
    if package is None:
        return []
    now, notes = datetime.now(UTC), []
    for act in list_acts(session, package_id):
        if act.expires_at is None or act.expires_at > now:
            continue
        note = session.get(Note, act.note_id, with_for_update=True)
        if note is None or not note.is_acting:
            _end_orphan(session, package, act)
            continue
        before = state_of(note)
        note.lifted_at, note.lifted_by = now, None
        settle(session, CLOCK, note, before, username=CLOCK.name, ended_by=Action.ACT_EXPIRE)
        notes.append(note)
    return notes


def end_detached(session: Session) -> int:
    """Mark notes as lifted whose package was removed; give how many those were."""
    detached = select(Note.id).where(is_detached()).with_for_update(skip_locked=True)
    ids = session.scalars(detached).all()
    if ids:
        ended = update(Note).where(Note.id.in_(ids))
        session.execute(ended.values(lifted_at=datetime.now(UTC)))
    return len(ids)


def _end_orphan(session: Session, package: Package, act: StandingAct) -> None:
    """End what acts though no note stands behind it any more."""
    session.delete(act)
    data = {"note_id": act.note_id, "act": act.act, "version_range": act.version_range}
    event = record(session, CLOCK, Action.ACT_EXPIRE, package_id=package.id, data=data)
    take_effect(session, package, event)


def _write_row(session: Session, note: Note, username: str) -> None:
    row = session.get(StandingAct, note.id)
    if not note.is_acting:
        if row is not None:
            session.delete(row)
        return
    assert note.package_id is not None
    if row is None:
        row = StandingAct(note_id=note.id, username=username)
        session.add(row)
    elif row.act != note.act:
        row.username = username
    row.package_id = note.package_id
    row.version_range = note.version_range
    row.act = note.act
    row.title = note.title
    row.expires_at = note.expires_at
