"""The archive button: a note whose act archives the package (PEP 792)."""

from __future__ import annotations

from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.errors import InvalidError
from packslip.events.operations import Actor
from packslip.notes.acts import lift_act
from packslip.notes.fields import NoteFields
from packslip.notes.models import Note, Visibility
from packslip.notes.operations import create_note
from packslip.packages.effects import list_acts
from packslip.packages.models import Act, Package


class ArchivedAlreadyError(InvalidError):
    """A note archives the package already."""

    def __init__(self, package_id: str, note_id: int) -> None:
        super().__init__(f"The note {note_id} archives the package {package_id!r} already.")


class NotArchivedError(InvalidError):
    """No note archives the package."""

    def __init__(self, package_id: str) -> None:
        super().__init__(f"No note archives the package {package_id!r}.")


def archive_package(
    session: Session, actor: Actor, user: User, package: Package, reason: str
) -> Note:
    """Archive the package by a note of the user whose title is the reason; give the note.

    Call it with the package locked.

    Raises:
        ArchivedAlreadyError: a note does so already.
        NoteFieldError: the reason will not do as a title.
        ActNotAllowedError: the user may not archive the package.
    """
    standing = _archiving(session, package)
    if standing:
        raise ArchivedAlreadyError(package.id, standing[0])
    fields = NoteFields(
        title=reason, visibility=Visibility.TEAM, package=package.id, act=Act.ARCHIVE
    )
    return create_note(session, actor, user, fields)


def unarchive_package(session: Session, actor: Actor, user: User, package: Package) -> None:
    """Lift all notes that archive the package.

    Its status may be another than active all the same: by another act, or where it comes from.
    Call it with the package locked.

    Raises:
        NotArchivedError: there is no such note.
        ActNotAllowedError: the user may not archive the package.
    """
    standing = _archiving(session, package)
    if not standing:
        raise NotArchivedError(package.id)
    for note_id in standing:
        lift_act(session, actor, user, session.get_one(Note, note_id))


def _archiving(session: Session, package: Package) -> list[int]:
    return [act.note_id for act in list_acts(session, package.id) if act.act == Act.ARCHIVE]
