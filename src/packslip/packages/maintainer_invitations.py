"""Inviting people to look after a package. It takes the invited person's consent."""

from __future__ import annotations

from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.errors import InvalidError, NotAllowedError
from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.packages import queries
from packslip.packages.access import rights_of
from packslip.packages.models import Maintainer, MaintainerRole, Package, PackageInvitation
from packslip.packages.operations import lock, record_role


class DisabledUserError(InvalidError):
    """Somebody who is disabled cannot be invited."""

    field = "username"

    def __init__(self, username: str) -> None:
        super().__init__(f"The account of {username!r} is disabled.")
        self.username = username


class AlreadyMaintainerError(InvalidError):
    """Who looks after the package already needs no invitation; their role can be changed."""

    field = "username"

    def __init__(self, package_id: str, username: str, role: str) -> None:
        super().__init__(f"{username!r} is {role} of the package {package_id!r} already.")
        self.package_id = package_id
        self.username = username


class InvitationLapsedError(NotAllowedError):
    """Who sent the invitation may not do so any more."""

    def __init__(self, package_id: str) -> None:
        super().__init__(
            f"Who invited you may no longer say who looks after {package_id!r}."
            " Ask one of its owners for another invitation."
        )
        self.package_id = package_id


def invite_maintainer(
    session: Session,
    actor: Actor,
    package: Package,
    user: User,
    role: MaintainerRole,
    *,
    invited_by: User | None,
) -> PackageInvitation:
    """Offer the user a part in the package; a second time, offer them another one.

    Without `invited_by` the offer comes from the command line.

    Raises:
        DisabledUserError: the user is disabled.
        AlreadyMaintainerError: the user looks after the package already.
    """
    lock(session, package)
    session.refresh(user)
    if user.disabled_at is not None:
        raise DisabledUserError(user.username)
    maintainer = queries.find_maintainer(session, package.id, user)
    if maintainer is not None:
        raise AlreadyMaintainerError(package.id, user.username, maintainer.role)
    invitation = queries.find_package_invitation(session, package.id, user)
    before = None if invitation is None else invitation.role
    if invitation is None:
        invitation = PackageInvitation(user=user, package=package)
        session.add(invitation)
    invitation.role = role
    invitation.invited_by = invited_by
    _record(session, actor, Action.MAINTAINER_INVITE, package, user, before=before, after=role)
    return invitation


def accept_invitation(
    session: Session, actor: Actor, package: Package, user: User
) -> MaintainerRole:
    """Give the user the part in the package that they were offered.

    Raises:
        UnknownPackageInvitationError: there is no open invitation, or not any more.
        InvitationLapsedError: who sent it may not do so any more.
        DisabledUserError: the user is disabled.
    """
    lock(session, package)
    session.refresh(user)
    if user.disabled_at is not None:
        raise DisabledUserError(user.username)
    invitation = queries.get_package_invitation(session, package, user)
    if has_lapsed(session, invitation):
        raise InvitationLapsedError(package.id)
    role = MaintainerRole(invitation.role)
    maintainer = queries.find_maintainer(session, package.id, user)
    before = None if maintainer is None else MaintainerRole(maintainer.role)
    session.delete(invitation)
    if maintainer is None:
        session.add(Maintainer(user=user, package=package, role=role))
    elif role is MaintainerRole.OWNER:
        maintainer.role = role
    else:
        role = MaintainerRole(maintainer.role)
    record_role(session, actor, Action.MAINTAINER_ACCEPT, package, user, before=before, after=role)
    session.expire(package, ["maintainers"])
    return role


def decline_invitation(session: Session, actor: Actor, package: Package, user: User) -> None:
    """Refuse the offer, as the user who got it.

    Raises:
        UnknownPackageInvitationError: there is no open invitation, or not any more.
    """
    _end(session, actor, Action.MAINTAINER_DECLINE, package, user)


def withdraw_invitation(session: Session, actor: Actor, package: Package, user: User) -> None:
    """Take the offer back, as somebody who manages the package.

    Raises:
        UnknownPackageInvitationError: there is no open invitation, or not any more.
    """
    _end(session, actor, Action.MAINTAINER_WITHDRAW, package, user)


def has_lapsed(session: Session, invitation: PackageInvitation) -> bool:
    """Whether the invitation is void, because who sent it no longer manages the package.

    Somebody who loses a package, or their account, must not get it back over a friend.
    """
    inviter = invitation.invited_by
    if inviter is None:
        return False
    return not rights_of(session, inviter, invitation.package).manage


def _end(session: Session, actor: Actor, action: Action, package: Package, user: User) -> None:
    lock(session, package)
    invitation = queries.get_package_invitation(session, package, user)
    session.delete(invitation)
    _record(session, actor, action, package, user, before=invitation.role, after=None)


def _record(
    session: Session,
    actor: Actor,
    action: Action,
    package: Package,
    user: User,
    *,
    before: str | None,
    after: str | None,
) -> None:
    # What the index says of the package is the same as before, so its serial does not move.
    data = {"username": user.username, "before": before, "after": after}
    record(session, actor, action, package_id=package.id, subject_id=user.id, data=data)
