"""The yank button: a note whose act is a yank of exactly one release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from packslip.accounts.models import Role, User
from packslip.errors import InvalidError
from packslip.events.operations import Actor
from packslip.notes.access import require_act
from packslip.notes.acts import lift_act
from packslip.notes.errors import NobodyToWriteError, NoteFieldError, StillYankedError
from packslip.notes.fields import MAX_TITLE, NoteFields, fields_of
from packslip.notes.models import Note, Visibility
from packslip.notes.operations import create_note, edit_note
from packslip.packages.effects import YANKING, list_acts, take_effect
from packslip.packages.models import (
    Act,
    Maintainer,
    MaintainerRole,
    Origin,
    Package,
    Release,
    StandingAct,
)
from packslip.packages.operations import take_back_upstream_yank
from packslip.packages.version_ranges import covers, exact_range, is_exactly
from packslip.texts import one_line


def yank_release(
    session: Session,
    actor: Actor,
    user: User,
    release: Release,
    reason: str = "",
    *,
    operator: bool = False,
) -> Note:
    """Yank the release by a note of the user whose title is the reason; give the note.

    A release that such a note yanks already gets another reason by it. With `operator` it is the
    command line that does it, which needs no rights. Call it with the package locked.

    Raises:
        NoteFieldError: the reason is not one line, or has more than 200 characters.
        ActNotAllowedError: the user may not yank releases of the package.
    """
    try:
        title = one_line(reason, "The reason", MAX_TITLE)
    except InvalidError as error:
        raise NoteFieldError("reason", error.reason) from None
    standing = exact_yanks(session, release)
    if standing:
        note = session.get_one(Note, standing[0].note_id, populate_existing=True)
        fields = replace(fields_of(note), title=title)
        editor = None if operator else user
        return edit_note(session, actor, editor, note, fields, edition=note.edition)
    fields = NoteFields(
        title=title,
        visibility=Visibility.TEAM,
        package=release.package_id,
        version_range=exact_range(release.version, _other_versions(session, release)),
        act=Act.YANK,
    )
    return create_note(session, actor, user, fields, operator=operator)


def unyank_release(
    session: Session, actor: Actor, user: User | None, release: Release
) -> list[Note]:
    """Lift all notes that yank exactly this release; give those, none if it is not yanked.

    Where there is none, what an import said of a hosted package is taken back. The release may be
    yanked all the same, by a note that covers more, a hold, or upstream. Without a user it is the
    command line that does it, which needs no rights. Call it with the package locked.

    Raises:
        StillYankedError: it is yanked, but by no such note; the error says what to do.
        ActNotAllowedError: the user may not yank releases of the package.
    """
    standing = exact_yanks(session, release)
    if not standing and release.yanked:
        _take_back_import(session, actor, user, release)
    return [lift_act(session, actor, user, session.get_one(Note, act.note_id)) for act in standing]


def _take_back_import(session: Session, actor: Actor, user: User | None, release: Release) -> None:
    if not release.upstream_yanked or release.package.origin != Origin.HOSTED:
        raise StillYankedError(_why_yanked(session, release))
    if user is not None:
        require_act(session, user, release.package, Act.YANK)
    take_effect(session, release.package, take_back_upstream_yank(session, actor, release))


def exact_yanks(session: Session, release: Release) -> list[StandingAct]:
    """The yanks that are for exactly this release, the oldest first."""
    return [
        act
        for act in list_acts(session, release.package_id)
        if act.act == Act.YANK and is_exactly(act.version_range, release.version)
    ]


def author_for(session: Session, package: Package) -> User:
    """In whose name the command line writes: the first owner's, else the first admin's.

    Raises:
        NobodyToWriteError: there is neither.
    """
    owner = (
        select(User)
        .join(Maintainer, Maintainer.user_id == User.id)
        .where(
            Maintainer.package_id == package.id,
            Maintainer.role == MaintainerRole.OWNER,
            User.disabled_at.is_(None),
        )
        .order_by(Maintainer.created_at, User.id)
    )
    admin = (
        select(User)
        .where(User.role == Role.ADMIN, User.disabled_at.is_(None))
        .order_by(User.created_at, User.id)
    )
    found = session.scalar(owner.limit(1)) or session.scalar(admin.limit(1))
    if found is None:
        raise NobodyToWriteError(package.id)
    return found


def _other_versions(session: Session, release: Release) -> Sequence[str]:
    versions = select(Release.version).where(
        Release.package_id == release.package_id, Release.id != release.id
    )
    return session.scalars(versions).all()


def _why_yanked(session: Session, release: Release) -> str:
    name = f"{release.package_id} {release.version}"
    standing = [
        act
        for kind in YANKING
        for act in list_acts(session, release.package_id)
        if act.act == kind and covers(act.version_range, release.version)
    ]
    if not standing:
        return f"{name} was yanked where it comes from, and that cannot be taken back here."
    act = standing[0]
    does = "holds" if act.act == Act.HOLD else "yanks"
    what = act.version_range or "all releases"
    return f"The note {act.note_id} {does} {name} ({what}): lift or change that note."


def yank_left(release: Release) -> str:
    """What is so after a yank was taken back, as a sentence."""
    name = f"{release.package.name} {release.version}"
    if not release.yanked:
        return f"{name} is not yanked."
    because = f": {release.yanked_reason}" if release.yanked_reason else ""
    return f"{name} is still yanked{because}"
