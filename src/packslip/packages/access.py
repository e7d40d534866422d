"""Who may do what with a package."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from packslip.accounts.access import require_upload_scope
from packslip.accounts.identity import Identity, confirm
from packslip.accounts.models import Role, User
from packslip.errors import ConflictError, NotAllowedError
from packslip.packages.models import MaintainerRole, Package
from packslip.packages.roles import find_role, prefixes_of
from packslip.packages.second_factor import SecondFactorMissingError, lacks_second_factor
from packslip.packages.team_models import TeamMember, TeamPrefix


class NotMaintainerError(NotAllowedError):
    """The package belongs to others."""

    def __init__(self, username: str, package_id: str) -> None:
        super().__init__(
            f"The user {username!r} may not upload to the package {package_id!r}:"
            " only its owners and maintainers may."
        )
        self.username = username
        self.package_id = package_id


class TakenPrefixError(ConflictError):
    """New names that begin so are for the members of some teams."""

    def __init__(self, username: str, package_id: str, prefix: str) -> None:
        super().__init__(
            f"The user {username!r} may not take the name {package_id!r}: new names under"
            f" {prefix!r} are for the teams that have it."
        )
        self.package_id = package_id
        self.prefix = prefix


class NotManagerError(NotAllowedError):
    """Others decide about the package."""

    def __init__(self, package_id: str, who: str) -> None:
        super().__init__(f"Only {who} of the package {package_id!r} and admins may do this.")
        self.package_id = package_id


@dataclass(frozen=True)
class Rights:
    """What a user may do with a package on pages. Uploads have a rule of their own."""

    #: The user's part in the package, if they have one, themselves or through a team.
    role: MaintainerRole | None = None
    #: See its settings, yank its releases: owners, maintainers and admins.
    maintain: bool = False
    #: Say who looks after it, and see from where others acted: owners and admins.
    manage: bool = False


def rights_of(session: Session, user: User | None, package: Package) -> Rights:
    """What the user may do with the package; nobody, and who is disabled, may do nothing."""
    if user is None or user.disabled_at is not None:
        return Rights()
    role = find_role(session, package.id, user)
    is_admin = user.role == Role.ADMIN
    return Rights(
        role=role,
        maintain=is_admin or role is not None,
        manage=is_admin or role is MaintainerRole.OWNER,
    )


def require_manager(session: Session, user: User, package: Package) -> None:
    """Allow deciding who looks after the package.

    Call it inside of the write transaction that relies on it, with the package locked: see
    `packslip.packages.queries.get_package`.

    Raises:
        NotManagerError: the user is no owner of it, and no admin.
    """
    session.refresh(user)
    if not rights_of(session, user, package).manage:
        raise NotManagerError(package.id, "owners")


def require_maintainer(session: Session, user: User, package: Package) -> None:
    """Allow seeing the package's settings and yanking its releases.

    A change relies on it only inside of its write transaction, with the package locked.

    Raises:
        NotManagerError: the user does not look after it, and is no admin.
    """
    session.refresh(user)
    if not rights_of(session, user, package).maintain:
        raise NotManagerError(package.id, "owners and maintainers")


def require_open_prefix(session: Session, user: User, package_id: str) -> None:
    """Allow taking a new name, as far as it begins with what was given to teams (PEP 752).

    Raises:
        TakenPrefixError: the user is in none of these teams.
    """
    holders = (
        select(TeamPrefix.prefix, TeamMember.user_id)
        .outerjoin(
            TeamMember,
            (TeamMember.team_id == TeamPrefix.team_id) & (TeamMember.user_id == user.id),
        )
        .where(TeamPrefix.prefix.in_(prefixes_of(package_id)))
        .order_by(TeamPrefix.prefix)
    )
    found = session.execute(holders).all()
    if found and not any(row.user_id is not None for row in found):
        raise TakenPrefixError(user.username, package_id, found[-1].prefix)


def require_uploader(session: Session, identity: Identity | None, package_id: str) -> None:
    """Allow uploading to the package of that normalised name, which may be a new one.

    Its owners and maintainers may, themselves or through their teams, and everybody to a name that
    nobody has, unless names that begin so belong to teams. Being admin gives no
    right to upload: bytes come from those whose names stand on the package, and an admin who must
    can add themselves as a maintainer first, which is on record. A token can only narrow this.

    Call it inside of the write transaction that adds the file: only there does what it says hold,
    and rights that ended during a long upload end it.

    Raises:
        CredentialsNeededError: nobody is known.
        WrongCredentialsError: the user is gone, or the token revoked or expired by now.
        TokenScopeError: the token is for reading.
        TokenPackagesError: the token is limited to other packages.
        NotMaintainerError: the package belongs to others.
        TakenPrefixError: names that begin so belong to teams of others.
        SecondFactorMissingError: a password is not enough for this user.
    """
    identity = require_upload_scope(identity, package_id)
    confirm(session, identity)
    if identity.token is None and lacks_second_factor(session, identity.user):
        raise SecondFactorMissingError(identity.user.username)
    if session.get(Package, package_id) is None:
        require_open_prefix(session, identity.user, package_id)
        return
    if find_role(session, package_id, identity.user) is None:
        raise NotMaintainerError(identity.user.username, package_id)
