"""Reading teams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, contains_eager

from packslip.accounts.models import User
from packslip.errors import NotFoundError
from packslip.packages.models import Origin, Package
from packslip.packages.roles import lies_under
from packslip.packages.team_models import Team, TeamMember, TeamPackage, TeamPrefix
from packslip.teams.names import is_team_name


class UnknownTeamError(NotFoundError):
    """There is no such team."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no team {name!r}.")
        self.links = [("/teams/", "All teams")]
        self.name = name


class UnknownMemberError(NotFoundError):
    """The user is not in the team."""

    def __init__(self, team: str, username: str) -> None:
        super().__init__(f"{username!r} is not in the team {team!r}.")
        self.team = team
        self.username = username


@dataclass(frozen=True)
class TeamRow:
    """A team as lists show it."""

    team: Team
    members: int
    packages: int
    prefixes: int


@dataclass(frozen=True)
class PrefixRow:
    """A prefix of names that a team has."""

    prefix: str
    role: str
    #: How many hosted packages lie under it now.
    packages: int


def get_team(session: Session, name: str, *, lock: bool = False) -> Team:
    """The team of that name, in whatever case it is written.

    With `lock` nobody else changes it, or who is in it, until the transaction ends.

    Raises:
        UnknownTeamError: there is none.
    """
    team = find_team(session, name, lock=lock)
    if team is None:
        raise UnknownTeamError(name)
    return team


def find_team(session: Session, name: str, *, lock: bool = False) -> Team | None:
    """The same, or None."""
    # Other letters have a lower case in ASCII, and PostgreSQL refuses some characters.
    if not is_team_name(name.lower()) or not name.isascii():
        return None
    query = select(Team).where(Team.name == name.lower())
    return session.scalar(query.with_for_update() if lock else query)


def list_teams(session: Session) -> list[TeamRow]:
    """All teams, by name."""

    def number_of(table: type[TeamMember | TeamPackage | TeamPrefix]) -> Select[int]:
        return select(func.count()).where(table.team_id == Team.id).correlate(Team)

    counts = [number_of(table).scalar_subquery() for table in (TeamMember, TeamPackage, TeamPrefix)]
    return [TeamRow(*row) for row in session.execute(select(Team, *counts).order_by(Team.name))]


def list_members(session: Session, team: Team) -> Sequence[TeamMember]:
    """Who is in the team, with their users: managers first, then by username."""
    query = (
        select(TeamMember)
        .join(TeamMember.user)
        .options(contains_eager(TeamMember.user))
        .where(TeamMember.team_id == team.id)
        .order_by(User.username)
    )
    return sorted(session.scalars(query), key=lambda one: one.role)


def list_memberships(session: Session, user: User) -> Sequence[TeamMember]:
    """The teams that the user is in, by name."""
    query = (
        select(TeamMember)
        .join(TeamMember.team)
        .options(contains_eager(TeamMember.team))
        .where(TeamMember.user_id == user.id)
        .order_by(Team.name)
    )
    return session.scalars(query).all()


def find_member(session: Session, team: Team, user: User) -> TeamMember | None:
    """The user's place in the team; None when they have none."""
    return session.get(TeamMember, (team.id, user.id), populate_existing=True)


def get_member(session: Session, team: Team, user: User) -> TeamMember:
    """The user's place in the team.

    Raises:
        UnknownMemberError: they have none.
    """
    member = find_member(session, team, user)
    if member is None:
        raise UnknownMemberError(team.name, user.username)
    return member


def list_packages_given(session: Session, team: Team) -> Sequence[TeamPackage]:
    """The packages that the team was given, by name."""
    query = (
        select(TeamPackage).where(TeamPackage.team_id == team.id).order_by(TeamPackage.package_id)
    )
    return session.scalars(query).all()


def list_prefixes_given(session: Session, team: Team) -> list[PrefixRow]:
    """The prefixes that the team was given, by name."""
    under = (
        select(func.count())
        .select_from(Package)
        .where(lies_under(Package.id, TeamPrefix.prefix), Package.origin != Origin.MIRRORED)
        .correlate(TeamPrefix)
        .scalar_subquery()
    )
    query = (
        select(TeamPrefix.prefix, TeamPrefix.role, under)
        .where(TeamPrefix.team_id == team.id)
        .order_by(TeamPrefix.prefix)
    )
    return [PrefixRow(*row) for row in session.execute(query)]
