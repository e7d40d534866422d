"""Which part users have in packages: what they were given themselves, and through their teams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    func,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute, Session, defer, selectinload

from packslip.accounts.models import User
from packslip.db import BigId, BytewiseText
from packslip.packages.models import Maintainer, MaintainerRole, Origin, Package, Release
from packslip.packages.team_models import Team, TeamMember, TeamPackage, TeamPrefix

#: A key of a user: itself, or what stands for it in SQL.
UserKey = int | BindParameter[int] | ScalarSelect[int]

#: A name in SQL.
Name = ColumnElement[str] | InstrumentedAttribute[str]


@dataclass(frozen=True)
class Part:
    """What a user looks after."""

    package: Package
    #: The highest of all that they were given.
    role: MaintainerRole
    #: Whether they were given a part themselves, not only through a team.
    is_own: bool


@dataclass(frozen=True)
class TeamPart:
    """A team that looks after a package."""

    team: str
    role: MaintainerRole
    #: By which prefix of names; None when it was given the package itself.
    prefix: str | None = None


def lies_under(name: Name, prefix: Name) -> ColumnElement[bool]:
    """Whether a normalised name is a prefix, or begins with it and a hyphen (PEP 752).

    Names hold letters, digits and hyphens alone, and the full stop comes next after the hyphen:
    that makes it a range of an index.
    """
    below = and_(name >= prefix.concat("-"), name < prefix.concat("."))
    return or_(name == prefix, below)


def roles_of(
    user: UserKey, package_id: BindParameter[str] | None = None
) -> CompoundSelect[str, str, int | None]:
    """Rows of a package, a role and a team, None being the user's own part.

    A package comes several times when it was given in several ways. `highest_roles` has each
    package once.
    """
    own = select(Maintainer.package_id, Maintainer.role, null().label("team_id")).where(
        Maintainer.user_id == user
    )
    given = (
        select(TeamPackage.package_id, TeamPackage.role, TeamPackage.team_id)
        .join(TeamMember, TeamMember.team_id == TeamPackage.team_id)
        .where(TeamMember.user_id == user)
    )
    under = (
        select(Package.id, TeamPrefix.role, TeamPrefix.team_id)
        .select_from(TeamMember)
        .join(TeamPrefix, TeamPrefix.team_id == TeamMember.team_id)
        .join(Package, lies_under(Package.id, TeamPrefix.prefix))
        # Asked for what is hosted, SQLite would go through all of that by an index.
        .where(TeamMember.user_id == user, Package.origin != Origin.MIRRORED)
    )
    if package_id is not None:
        own = own.where(Maintainer.package_id == package_id)
        given = given.where(TeamPackage.package_id == package_id)
        under = under.where(Package.id == package_id)
    return union_all(own, given, under)


def highest_roles(user: UserKey) -> Select[str, str, bool]:
    """Rows of each package that the user looks after, their highest role, and whether any is own.

    The last one is false when they look after it only through teams.
    """
    found = roles_of(user).subquery()
    # Of the two words for roles that of owners is the greater one.
    role, is_own = func.max(found.c.role), func.count(found.c.team_id) < func.count()
    return select(found.c.package_id, role.label("role"), is_own.label("is_own")).group_by(
        found.c.package_id
    )


def packages_of(user: UserKey, *, role: MaintainerRole | None = None) -> Select[str]:
    """The packages that the user looks after, perhaps in one role alone; some may come twice."""
    found = roles_of(user).subquery()
    query = select(found.c.package_id)
    return query if role is None else query.where(found.c.role == role)


def find_role(session: Session, package_id: str, user: User) -> MaintainerRole | None:
    """The user's highest role in the package; None when they have none."""
    rows = session.execute(_ROLES, {"user_id": user.id, "package_id": package_id})
    return max((MaintainerRole(row.role) for row in rows), default=None)


def list_parts(session: Session, user: User) -> list[Part]:
    """What the user looks after, by package: the packages with their releases, no long texts."""
    found = highest_roles(user.id).subquery()
    query = (
        select(Package, found.c.role, found.c.is_own)
        .join(found, found.c.package_id == Package.id)
        .options(
            defer(Package.description),
            selectinload(Package.releases).defer(Release.core_metadata),
        )
        .order_by(Package.id)
    )
    return [
        Part(package, MaintainerRole(role), is_own)
        for package, role, is_own in session.execute(query)
    ]


def list_team_parts(session: Session, package: Package) -> Sequence[TeamPart]:
    """The teams that look after the package: owners first, then by name."""
    # What is mirrored lies under no prefix.
    over = prefixes_of(package.id) if package.origin == Origin.HOSTED else []
    rows = session.execute(_TEAM_PARTS, {"package_id": package.id, "prefixes": over})
    parts = [TeamPart(team, MaintainerRole(role), prefix) for team, role, prefix in rows]
    return sorted(
        parts, key=lambda one: (one.role != MaintainerRole.OWNER, one.team, one.prefix or "")
    )


def is_owned_by_team(session: Session, package: Package) -> bool:
    """Whether a team owns the package, whoever is in it."""
    return any(part.role is MaintainerRole.OWNER for part in list_team_parts(session, package))


def prefixes_of(name: str) -> list[str]:
    """Every prefix under which a normalised name lies: `acme-web-api` under three of them."""
    parts = name.split("-")
    return ["-".join(parts[:count]) for count in range(1, len(parts) + 1)]


# Made once: that takes longer than running them.
_ROLES = roles_of(bindparam("user_id", type_=BigId), bindparam("package_id", type_=BytewiseText))
_TEAM_PARTS: CompoundSelect[str, str, str | None] = union_all(
    select(Team.name, TeamPackage.role.label("role"), null().label("prefix"))
    .join(TeamPackage, TeamPackage.team_id == Team.id)
    .where(TeamPackage.package_id == bindparam("package_id")),
    select(Team.name, TeamPrefix.role, TeamPrefix.prefix)
    .join(TeamPrefix, TeamPrefix.team_id == Team.id)
    .where(TeamPrefix.prefix.in_(bindparam("prefixes", expanding=True))),
)
