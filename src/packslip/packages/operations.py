"""Changes to packages: who looks after them, and what upstream says."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.db import is_postgresql
from packslip.errors import InvalidError, NotAllowedError
from packslip.events.models import Action, Event
from packslip.events.operations import Actor, record
from packslip.packages import queries
from packslip.packages.models import Maintainer, MaintainerRole, Package, Release
from packslip.packages.search_index import index_packages

#: The advisory lock of PostgreSQL that whoever changes what teams look after holds.
_TEAM_ROLES = 0x5041434C


class LastOwnerError(InvalidError):
    """A package must not be left without an owner."""

    def __init__(self, package_id: str, username: str) -> None:
        super().__init__(
            f"{username!r} is the only owner of the package {package_id!r}."
            " Make somebody else an owner first."
        )
        self.package_id = package_id
        self.username = username


class NotOwnerError(NotAllowedError):
    """Only an owner can hand a package over."""

    def __init__(self, package_id: str, username: str) -> None:
        super().__init__(f"{username!r} is no owner of the package {package_id!r}.")
        self.package_id = package_id
        self.username = username


class HeirError(InvalidError):
    """A package cannot be handed over to this person."""

    field = "heir"

    def __init__(self, username: str) -> None:
        super().__init__(f"A package cannot be handed over to {username!r}.")
        self.username = username


def touch(session: Session, package: Package, event: Event) -> None:
    """Note that what the index says about the package changed with this event."""
    package.serial = event.id
    session.flush()


def note_upstream_yank(
    session: Session, actor: Actor, release: Release, reason: str | None
) -> None:
    """Note that the release is yanked where it comes from (PEP 592).

    The caller applies what acts, and refreshes the texts.
    """
    event = _say_upstream(session, actor, release, yanked=True, reason=reason)
    touch(session, release.package, event)


def take_back_upstream_yank(session: Session, actor: Actor, release: Release) -> Event:
    """Forget that the release of a hosted package was yanked where it was imported from.

    The package's owners decide about it now. The caller lets the event take effect.
    """
    return _say_upstream(session, actor, release, yanked=False, reason=None)


def _say_upstream(
    session: Session, actor: Actor, release: Release, *, yanked: bool, reason: str | None
) -> Event:
    before = {"yanked": release.upstream_yanked, "reason": release.upstream_yanked_reason}
    release.upstream_yanked, release.upstream_yanked_reason = yanked, reason
    after = {"yanked": yanked, "reason": reason}
    data = {"version": release.version, "before": before, "after": after, "upstream": True}
    action = Action.RELEASE_YANK if yanked else Action.RELEASE_UNYANK
    return record(session, actor, action, package_id=release.package_id, data=data)


def set_maintainer(
    session: Session, actor: Actor, package: Package, user: User, role: MaintainerRole
) -> None:
    """Make the user an owner or maintainer of the package, or change which of them they are.

    Raises:
        LastOwnerError: the package's only owner would become a maintainer.
    """
    lock(session, package)
    maintainer = queries.find_maintainer(session, package.id, user)
    if maintainer is None:
        session.add(Maintainer(user=user, package=package, role=role))
        invitation = queries.find_package_invitation(session, package.id, user)
        if invitation is not None:
            session.delete(invitation)
        record_role(session, actor, Action.MAINTAINER_ADD, package, user, before=None, after=role)
    elif maintainer.role != role:
        _keep_an_owner(session, maintainer)
        _change_role(session, actor, maintainer, role)


def remove_maintainer(session: Session, actor: Actor, package: Package, user: User) -> None:
    """End the user's part in the package, as they or somebody else wished.

    Raises:
        UnknownMaintainerError: they have none.
        LastOwnerError: it would have no owner any more.
    """
    lock(session, package)
    maintainer = queries.get_maintainer(session, package, user)
    _keep_an_owner(session, maintainer)
    session.delete(maintainer)
    before = MaintainerRole(maintainer.role)
    record_role(session, actor, Action.MAINTAINER_REMOVE, package, user, before=before, after=None)
    session.expire(package, ["maintainers"])


def hand_over(session: Session, actor: Actor, package: Package, owner: User, heir: User) -> None:
    """Make the heir, who looks after the package already, its owner in the place of `owner`.

    Who was the owner stays as a maintainer.

    Raises:
        UnknownMaintainerError: one of them does not look after the package.
        NotOwnerError: `owner` is none.
        HeirError: the heir is the owner themselves, or disabled.
    """
    lock(session, package)
    old = queries.get_maintainer(session, package, owner)
    new = queries.get_maintainer(session, package, heir)
    if old.role != MaintainerRole.OWNER:
        raise NotOwnerError(package.id, owner.username)
    if old is new or heir.disabled_at is not None:
        raise HeirError(heir.username)
    if new.role != MaintainerRole.OWNER:
        _change_role(session, actor, new, MaintainerRole.OWNER)
    _change_role(session, actor, old, MaintainerRole.MAINTAINER)


def lock(session: Session, package: Package) -> None:
    """Let nobody else change who looks after the package until the transaction ends."""
    session.refresh(package, with_for_update=True)


def lock_team_roles(session: Session) -> None:
    """Let nobody else change what teams look after until the transaction ends.

    One of those who could leave a package without an owner, a team or a person, waits here for the
    other. Whoever locks a package too locks that first. SQLite has one writer at a time anyhow.
    """
    if is_postgresql(session):
        session.execute(select(func.pg_advisory_xact_lock(_TEAM_ROLES)))


def record_role(
    session: Session,
    actor: Actor,
    action: Action,
    package: Package,
    user: User,
    *,
    before: MaintainerRole | None,
    after: MaintainerRole | None,
) -> None:
    """Put on record that the user's part in the package changed.

    The package's serial moves, and the search knows it.
    """
    data = {"username": user.username, "before": before, "after": after}
    event = record(session, actor, action, package_id=package.id, subject_id=user.id, data=data)
    touch(session, package, event)
    index_packages(session, [package.id])


def _change_role(
    session: Session, actor: Actor, maintainer: Maintainer, role: MaintainerRole
) -> None:
    before, maintainer.role = MaintainerRole(maintainer.role), role
    package, user = maintainer.package, maintainer.user
    action = Action.MAINTAINER_CHANGE
    record_role(session, actor, action, package, user, before=before, after=role)


def _keep_an_owner(session: Session, maintainer: Maintainer) -> None:
    # Owners who leave at the same moment wait for the package's lock, and the last one stays.
    # Teams do not wait for that one: see `lock_team_roles`.
    if maintainer.role == MaintainerRole.OWNER:
        lock_team_roles(session)
    if queries.is_only_owner(session, maintainer):
        raise LastOwnerError(maintainer.package_id, maintainer.user.username)
