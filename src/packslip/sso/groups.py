"""What groups at the provider give, kept apart from what was given by hand.

A grant remembers what stood there before. When the groups give it no more, that is there again,
unless somebody has changed the role by hand meanwhile: what people decide here stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from packslip.accounts import site_roles
from packslip.accounts.models import GroupGrant, Role, User
from packslip.events.operations import Actor
from packslip.packages import operations as packages
from packslip.packages.models import MaintainerRole, Origin, Package
from packslip.packages.queries import find_maintainer
from packslip.packages.team_models import TeamRole
from packslip.sso_settings import PACKAGE_ROLES, SITE_ROLES, TEAM_ROLES, GroupRole
from packslip.teams.operations import set_by_groups
from packslip.teams.queries import find_team, list_memberships

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Change:
    """In which transaction who changes whose roles."""

    session: Session
    actor: Actor
    user: User


def apply_groups(
    session: Session, actor: Actor, user: User, groups: Iterable[str], rules: Iterable[GroupRole]
) -> None:
    """Give the user what the groups give by these rules, and take back what they gave before.

    Each change is an event. The last admin stays one, and so does the only owner of a package.
    """
    change = _Change(session, actor, user)
    held = set(groups)
    given = [rule for rule in rules if rule.group in held]
    grants = {
        grant.package_id: grant
        for grant in session.scalars(select(GroupGrant).where(GroupGrant.user_id == user.id))
    }
    site = [rule.role for rule in given if rule.role in SITE_ROLES]
    _apply_to_site(change, grants.get(None), _highest(site))
    wanted: dict[str, list[str]] = {}
    for rule in given:
        if rule.package_id is not None:
            wanted.setdefault(rule.package_id, []).append(rule.role)
    # In one order, so that of two who log in at once none waits for the other in turn.
    for package_id in sorted({*wanted, *(key for key in grants if key is not None)}):
        package = session.get(Package, package_id)
        if package is not None and package.origin == Origin.HOSTED:
            role = _highest(wanted.get(package_id, []))
            _apply_to_package(change, package, grants.get(package_id), role)
    _apply_to_teams(change, given)
    session.flush()


def _apply_to_site(change: _Change, grant: GroupGrant | None, wanted: str | None) -> None:
    session, user = change.session, change.user
    # Whoever changes who is an admin waits here for others who do so.
    site_roles.lock_admins(session)
    session.refresh(user, with_for_update=True)
    is_ours = grant is not None and grant.role == user.role
    by_hand = (grant.by_hand if grant is not None and is_ours else None) or user.role
    role = _highest([wanted, by_hand]) or by_hand
    try:
        site_roles.set_role(session, change.actor, user, Role(role))
    except site_roles.LastAdminError:
        # The grant stays, so that the next log-in tries again.
        log.warning("the last admin lost the group that made them one, and stays", user=user.id)
        return
    _keep(change, None, grant, role=role, by_hand=by_hand)


def _apply_to_package(
    change: _Change, package: Package, grant: GroupGrant | None, wanted: str | None
) -> None:
    session, actor, user = change.session, change.actor, change.user
    packages.lock(session, package)
    maintainer = find_maintainer(session, package.id, user)
    current = None if maintainer is None else maintainer.role
    is_ours = grant is not None and grant.role == current
    by_hand = grant.by_hand if grant is not None and is_ours else current
    role = _highest([wanted, by_hand])
    try:
        if role is not None:
            packages.set_maintainer(session, actor, package, user, MaintainerRole(role))
        elif maintainer is not None:
            packages.remove_maintainer(session, actor, package, user)
    except packages.LastOwnerError:
        log.warning("an only owner lost the group that made them one, and stays", user=user.id)
        return
    _keep(change, package.id, grant, role=role, by_hand=by_hand)


def _apply_to_teams(change: _Change, given: Iterable[GroupRole]) -> None:
    """Give the user the places in teams that these rules give, and take those back that they had.

    A team that is not there is passed over: it may come.
    """
    session, actor, user = change.session, change.actor, change.user
    wanted: dict[str, list[str]] = {
        one.team.name: [] for one in list_memberships(session, user) if one.by_groups is not None
    }
    for rule in given:
        if rule.team is not None:
            wanted.setdefault(rule.team, []).append(rule.role)
    for name in sorted(wanted):
        team = find_team(session, name, lock=True)
        if team is not None:
            role = _highest(wanted[name])
            place = None if role is None else TeamRole(role.removeprefix("team-"))
            set_by_groups(session, actor, team, user, place)


def _keep(
    change: _Change,
    package_id: str | None,
    grant: GroupGrant | None,
    *,
    role: str | None,
    by_hand: str | None,
) -> None:
    """Keep what has to be taken back one day, or forget what is not given any more."""
    if role is None or role == by_hand:
        if grant is not None:
            change.session.delete(grant)
        return
    if grant is None:
        grant = GroupGrant(user_id=change.user.id, package_id=package_id)
        change.session.add(grant)
    grant.role, grant.by_hand = role, by_hand


def _highest(roles: Iterable[str | None]) -> str | None:
    return max((role for role in roles if role is not None), key=_rank, default=None)


def _rank(role: str) -> int:
    order = next(roles for roles in (SITE_ROLES, PACKAGE_ROLES, TEAM_ROLES) if role in roles)
    return order.index(role)
