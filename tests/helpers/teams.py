"""Teams for tests; each is committed."""

from __future__ import annotations

from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR

from packslip.accounts.models import User
from packslip.db import write_transaction
from packslip.packages.models import MaintainerRole
from packslip.packages.queries import get_package
from packslip.packages.team_models import Team, TeamRole
from packslip.teams import giving, operations


def make_team(
    session: Session,
    name: str = "data",
    *members: User,
    managers: tuple[User, ...] = (),
    packages: dict[str, str] | None = None,
    prefixes: dict[str, str] | None = None,
) -> Team:
    """A team with these members, packages and prefixes, each of those with the role in it."""
    with write_transaction(session):
        team = operations.create_team(session, ACTOR, name)
        for user in members:
            operations.set_member(session, ACTOR, team, user, TeamRole.MEMBER)
        for user in managers:
            operations.set_member(session, ACTOR, team, user, TeamRole.MANAGER)
        for package, role in (packages or {}).items():
            found = get_package(session, package)
            giving.give_package(session, ACTOR, team, found, MaintainerRole(role))
        for prefix, role in (prefixes or {}).items():
            giving.give_prefix(session, ACTOR, team, prefix, MaintainerRole(role))
    return team
