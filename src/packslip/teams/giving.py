"""What teams look after: packages, and all whose names begin alike."""

from __future__ import annotations

from packaging.utils import InvalidName, canonicalize_name
from sqlalchemy import ColumnElement, exists, literal, or_, select
from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.accounts.operations import MAX_PACKAGE_NAME
from packslip.errors import InvalidError, NotFoundError
from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.packages.models import Maintainer, MaintainerRole, Origin, Package
from packslip.packages.operations import lock, lock_team_roles
from packslip.packages.roles import lies_under
from packslip.packages.team_models import Team, TeamPackage, TeamPrefix

#: Of packages that would have no owner so many are named.
_NAMED = 3


class PrefixError(InvalidError):
    """No name begins so."""

    field = "prefix"

    def __init__(self, prefix: str) -> None:
        super().__init__(f"{prefix!r} is no prefix of package names: write it as in 'acme'.")
        self.prefix = prefix


class MirroredPackageError(InvalidError):
    """Nobody here owns what comes from upstream."""

    field = "package"

    def __init__(self, package_id: str) -> None:
        super().__init__(f"The package {package_id!r} is mirrored, and nobody here owns it.")
        self.package_id = package_id


class NotGivenError(NotFoundError):
    """The team was not given it."""

    def __init__(self, team: str, what: str) -> None:
        super().__init__(f"The team {team!r} was not given {what}.")
        self.team = team


class OwnerlessError(InvalidError):
    """Packages must not be left without an owner."""

    def __init__(self, team: str, package_ids: list[str]) -> None:
        named = ", ".join(map(repr, package_ids[:_NAMED]))
        more = " and others" if len(package_ids) > _NAMED else ""
        super().__init__(
            f"Nobody but the team {team!r} owns {named}{more}. Make somebody else an owner first."
        )
        self.team = team
        self.package_ids = package_ids[:_NAMED]


def read_prefix(text: str) -> str:
    """A prefix as it is kept: `acme` of `Acme`, `acme-` or `acme-*`.

    Raises:
        PrefixError: no name begins so.
    """
    given = text.strip().removesuffix("*").rstrip("-")
    try:
        if len(given) > MAX_PACKAGE_NAME:
            raise InvalidName
        return canonicalize_name(given, validate=True)
    except InvalidName as error:
        raise PrefixError(text) from error


def give_package(
    session: Session, actor: Actor, team: Team, package: Package, role: MaintainerRole
) -> None:
    """Let the team look after the package, or change in which role it does.

    Raises:
        MirroredPackageError: it comes from upstream.
        OwnerlessError: the team was its only owner, and would not be one any more.
    """
    if package.origin != Origin.HOSTED:
        raise MirroredPackageError(package.id)
    # In this order, as whoever leaves a package does it.
    lock(session, package)
    lock_team_roles(session)
    given = session.get(TeamPackage, (team.id, package.id), populate_existing=True)
    before = None if given is None else given.role
    if before == role:
        return
    if given is None:
        session.add(TeamPackage(team_id=team.id, package_id=package.id, role=role))
    else:
        given.role = role
    if before == MaintainerRole.OWNER:
        _require_owners(session, team, Package.id == package.id)
    data = {"team": team.name, "before": before, "after": role}
    record(session, actor, Action.TEAM_GIVE_PACKAGE, package_id=package.id, data=data)


def take_package(session: Session, actor: Actor, team: Team, package: Package) -> None:
    """Let the team look after the package no more, unless it was given its prefix.

    Raises:
        NotGivenError: it was not given the package.
        OwnerlessError: the team is its only owner.
    """
    lock_team_roles(session)
    given = session.get(TeamPackage, (team.id, package.id), populate_existing=True)
    if given is None:
        raise NotGivenError(team.name, f"the package {package.id!r}")
    session.delete(given)
    if given.role == MaintainerRole.OWNER:
        _require_owners(session, team, Package.id == package.id)
    data = {"team": team.name, "before": given.role, "after": None}
    record(session, actor, Action.TEAM_TAKE_PACKAGE, package_id=package.id, data=data)


def give_prefix(session: Session, actor: Actor, team: Team, text: str, role: MaintainerRole) -> str:
    """Let the team look after all hosted packages with that prefix, and take new names under it.

    Returns:
        The prefix as it is kept.

    Raises:
        PrefixError: no name begins so.
        OwnerlessError: the team was the only owner of some, and would not be one any more.
    """
    prefix = read_prefix(text)
    lock_team_roles(session)
    given = session.get(TeamPrefix, (team.id, prefix), populate_existing=True)
    before = None if given is None else given.role
    if before == role:
        return prefix
    if given is None:
        session.add(TeamPrefix(team_id=team.id, prefix=prefix, role=role))
    else:
        given.role = role
    if before == MaintainerRole.OWNER:
        _require_owners(session, team, lies_under(Package.id, literal(prefix)))
    data = {"team": team.name, "prefix": prefix, "before": before, "after": role}
    record(session, actor, Action.TEAM_GIVE_PREFIX, data=data)
    return prefix


def take_prefix(session: Session, actor: Actor, team: Team, text: str) -> str:
    """Let the team look after the packages with that prefix no more, unless it was given them.

    Returns:
        The prefix as it was kept.

    Raises:
        PrefixError: no name begins so.
        NotGivenError: the team was not given it.
        OwnerlessError: the team is the only owner of some.
    """
    prefix = read_prefix(text)
    lock_team_roles(session)
    given = session.get(TeamPrefix, (team.id, prefix), populate_existing=True)
    if given is None:
        raise NotGivenError(team.name, f"the prefix {prefix!r}")
    session.delete(given)
    if given.role == MaintainerRole.OWNER:
        _require_owners(session, team, lies_under(Package.id, literal(prefix)))
    data = {"team": team.name, "prefix": prefix, "before": given.role, "after": None}
    record(session, actor, Action.TEAM_TAKE_PREFIX, data=data)
    return prefix


def remove_team(session: Session, actor: Actor, team: Team) -> None:
    """Remove the team with all that it was given.

    Raises:
        OwnerlessError: it is the only owner of a package.
    """
    lock_team_roles(session)
    packages = session.scalars(
        select(TeamPackage).where(TeamPackage.team_id == team.id).order_by(TeamPackage.package_id)
    ).all()
    prefixes = session.scalars(
        select(TeamPrefix).where(TeamPrefix.team_id == team.id).order_by(TeamPrefix.prefix)
    ).all()
    owner = MaintainerRole.OWNER
    owned = [one.package_id for one in packages if one.role == owner]
    under = [lies_under(Package.id, literal(one.prefix)) for one in prefixes if one.role == owner]
    data = {
        "team": team.name,
        "packages": [one.package_id for one in packages],
        "prefixes": [one.prefix for one in prefixes],
    }
    session.delete(team)
    _require_owners(session, team, or_(Package.id.in_(owned), *under))
    record(session, actor, Action.TEAM_REMOVE, data=data)


def _require_owners(session: Session, team: Team, which: ColumnElement[bool]) -> None:
    """What was changed must leave an owner to each of these packages."""
    session.flush()
    owner = MaintainerRole.OWNER
    person = (
        exists()
        .where(Maintainer.package_id == Package.id, Maintainer.role == owner)
        .where(User.id == Maintainer.user_id, User.disabled_at.is_(None))
    )
    given = exists().where(TeamPackage.package_id == Package.id, TeamPackage.role == owner)
    under = exists().where(lies_under(Package.id, TeamPrefix.prefix), TeamPrefix.role == owner)
    ownerless = (
        select(Package.id)
        .where(which, Package.origin != Origin.MIRRORED, ~or_(person, given, under))
        .order_by(Package.id)
        .limit(_NAMED + 1)
    )
    found = list(session.scalars(ownerless))
    if found:
        raise OwnerlessError(team.name, found)
