"""Who may do what with notes and their acts."""

from __future__ import annotations

from sqlalchemy.orm import Session

from packslip.accounts.models import Role, User
from packslip.errors import NotAllowedError
from packslip.notes.errors import ActNotAllowedError, NoCommentsError, NotAuthorError
from packslip.notes.models import Note, Visibility
from packslip.packages.access import rights_of
from packslip.packages.models import Act, Origin, Package

#: The acts that look after a package; the others guard the team against it.
CARING = frozenset({Act.WARN, Act.YANK, Act.DEPRECATE, Act.ARCHIVE})


class DisabledError(NotAllowedError):
    """The user can do nothing any more."""

    def __init__(self) -> None:
        super().__init__("This account is disabled.")


def may_act(session: Session, user: User | None, package: Package, act: Act) -> bool:
    """Whether the user may begin, change and lift that act on the package.

    On hosted packages owners, maintainers and admins warn, yank, deprecate and archive. Curators
    and admins hold and quarantine, and on mirrored packages do all of it. A note that does
    nothing may be attached by every member.
    """
    if user is None or user.disabled_at is not None:
        return False
    if act == Act.NONE:
        return True
    if act in CARING and package.origin == Origin.HOSTED:
        return rights_of(session, user, package).maintain
    return user.role in {Role.CURATOR, Role.ADMIN}


def allowed_acts(session: Session, user: User | None, package: Package) -> list[Act]:
    """The acts that the user may put on the package, in the order in which they are told."""
    return [act for act in Act if may_act(session, user, package, act)]


def require_act(session: Session, user: User, package: Package, act: Act) -> None:
    """Allow beginning, changing or lifting that act on the package.

    Call it inside of the write transaction that relies on it, with the package locked.

    Raises:
        ActNotAllowedError: the user may not.
    """
    session.refresh(user)
    if not may_act(session, user, package, act):
        raise ActNotAllowedError(act, package.id, who_may(package, act))


def who_may(package: Package | None, act: Act) -> str:
    """Who may put that act on the package, as words; without one, on packages that are hosted."""
    if act in CARING and (package is None or package.origin == Origin.HOSTED):
        return "owners, maintainers and admins"
    return "curators and admins"


def may_edit(session: Session, user: User | None, note: Note) -> bool:
    """Whether the user may edit a note that they may read.

    Its author may, and while it acts everybody who may do that act on its package. What acts
    needs that right of the author too: see `packslip.notes.operations.edit_note`.
    """
    if user is None or user.disabled_at is not None:
        return False
    return note.user_id == user.id or may_change_act(session, user, note)


def may_change_act(session: Session, user: User | None, note: Note) -> bool:
    """Whether the user may lift what the note does now, or change what acts of it."""
    if not note.is_acting or note.package is None:
        return False
    return may_act(session, user, note.package, Act(note.act))


def may_resume_act(session: Session, user: User | None, note: Note) -> bool:
    """Whether the user may let the note, which acts no more, act again as it did."""
    if note.is_acting or note.act == Act.NONE or note.package is None:
        return False
    if note.deleted_at is not None or note.visibility == Visibility.PRIVATE:
        return False
    return may_act(session, user, note.package, Act(note.act))


def require_editor(session: Session, user: User, note: Note) -> None:
    """Allow editing a note that the user may read.

    Raises:
        NotAuthorError: they may not.
    """
    session.refresh(user)
    if not may_edit(session, user, note):
        raise NotAuthorError(note.id)


def require_author(session: Session, user: User, note: Note) -> None:
    """Allow what only the note's author does: deleting, pinning, archiving.

    Raises:
        NotAuthorError: somebody else wrote it.
    """
    session.refresh(user)
    if user.disabled_at is not None or note.user_id != user.id:
        raise NotAuthorError(note.id)


def require_member(session: Session, user: User) -> None:
    """Allow writing notes at all.

    Raises:
        DisabledError: the user is disabled.
    """
    session.refresh(user)
    if user.disabled_at is not None:
        raise DisabledError


def require_commentator(session: Session, user: User, note: Note) -> None:
    """Allow commenting on a note that the user may read.

    Raises:
        DisabledError: the user is disabled.
        NoCommentsError: the team cannot see the note.
    """
    require_member(session, user)
    if note.visibility == Visibility.PRIVATE:
        raise NoCommentsError(note.id)
