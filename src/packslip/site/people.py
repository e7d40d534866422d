"""What a user's page shows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.accounts.queries import UnknownUserError, get_shown_user
from packslip.accounts.usernames import is_username
from packslip.downloads.models import DownloadTotal
from packslip.events.models import Action, Event
from packslip.packages.models import File, Maintainer, Release
from packslip.packages.nearest_names import COMPARED, LENGTHS, most_alike
from packslip.packages.roles import highest_roles

#: Packages on one page.
PER_PAGE = 50

#: So many of the latest uploads are shown.
UPLOADS = 10

#: So many names are told to who asked for one that nobody has.
_NEAREST = 3

#: So many of the latest events are looked through for them: files may have gone since.
_LOOKED_AT = 100


@dataclass(frozen=True)
class Upload:
    """A file that the user uploaded, and that is still there."""

    package: str
    version: str
    filename: str
    uploaded_at: datetime


@dataclass(frozen=True)
class Maintained:
    """Some of the packages that a user looks after, the most downloaded first."""

    #: Normalised names, with the user's role.
    roles: dict[str, str]
    #: How many there are on all pages.
    number: int
    page: int
    pages: int


def get_person(session: Session, username: str, viewer: User | None) -> User:
    """The user whose page it is, in whatever case the name is written.

    Raises:
        UnknownUserError: there is none, or they are disabled; it names people with a name like it.
    """
    try:
        return get_shown_user(session, username)
    except UnknownUserError:
        raise UnknownUserError(username, _nearest(session, username, viewer)) from None


def _nearest(session: Session, username: str, viewer: User | None) -> list[str]:
    """Names that may be meant: who is not logged in learns those that stand on packages alone."""
    sought = username.lower()
    if len(sought) < 2 or not is_username(sought):
        return []
    shown: list[ColumnElement[bool]] = [
        User.disabled_at.is_(None),
        func.length(User.username).between(len(sought) - LENGTHS, len(sought) + LENGTHS),
    ]
    if viewer is None:
        shown.append(exists().where(Maintainer.user_id == User.id))

    def beginning_with(letters: str) -> Sequence[str]:
        begins = User.username.startswith(letters, autoescape=True)
        names = select(User.username).where(begins, *shown)
        return session.scalars(names.order_by(User.username).limit(COMPARED)).all()

    return most_alike(sought, _NEAREST, beginning_with)


def list_maintained_page(
    session: Session, user: User, readable: Collection[str] | None, page: int
) -> Maintained:
    """One page of what the user looks after; only packages in `readable`, None being all."""
    roles_held = highest_roles(user.id).subquery()
    theirs = select(roles_held.c.package_id, roles_held.c.role)
    if readable is not None:
        theirs = theirs.where(roles_held.c.package_id.in_(readable))
    number = session.scalar(select(func.count()).select_from(theirs.subquery())) or 0
    pages = max(1, -(-number // PER_PAGE))
    page = min(max(page, 1), pages)
    recent = func.coalesce(DownloadTotal.recent, 0)
    query = (
        theirs.outerjoin(DownloadTotal, DownloadTotal.package_id == roles_held.c.package_id)
        .order_by(recent.desc(), roles_held.c.package_id)
        .offset((page - 1) * PER_PAGE)
        .limit(PER_PAGE)
    )
    roles = {package_id: role for package_id, role in session.execute(query)}  # noqa: C416 - typed
    return Maintained(roles, number, page, pages)


def recent_uploads(
    session: Session, user: User, readable: Collection[str] | None
) -> Sequence[Upload]:
    """The files that the user uploaded last, the newest first.

    They are found by the log of events, which has an index on who acted.
    """
    events = (
        select(Event.data)
        .where(Event.actor_id == user.id, Event.action == Action.FILE_UPLOAD)
        .order_by(Event.id.desc())
        .limit(_LOOKED_AT)
    )
    filenames = [data.get("filename") for data in session.scalars(events)]
    query = (
        select(Release.package_id, Release.version, File.filename, File.uploaded_at)
        .select_from(File)
        .join(File.release)
        .where(File.filename.in_([name for name in filenames if name]))
        .where(File.uploader_id == user.id)
        .order_by(File.uploaded_at.desc(), File.id.desc())
        .limit(UPLOADS)
    )
    if readable is not None:
        query = query.where(Release.package_id.in_(readable))
    return [Upload(*row) for row in session.execute(query)]


def initials(user: User) -> str:
    """One or two letters that stand for the user where others have a picture."""
    words = [word for word in user.name.split() if word[0].isalnum()] or [user.username]
    picked = words[0][0] + (words[-1][0] if len(words) > 1 else "")
    return picked.upper()
