"""Changes to teams, and to who is in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.db import add_if_new
from packslip.errors import InvalidError
from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.packages.team_models import Team, TeamMember, TeamRole
from packslip.teams import queries
from packslip.teams.names import LONGEST_NAME, is_team_name
from packslip.texts import one_line

#: Characters of what a team says of itself.
LONGEST_DESCRIPTION = 200


class TeamNameError(InvalidError):
    """A team cannot be called so."""

    field = "name"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name!r} cannot be the name of a team: use at most {LONGEST_NAME} lower-case letters"
            " and digits, with single hyphens between them."
        )
        self.name = name


class TeamTakenError(InvalidError):
    """There is a team of that name."""

    field = "name"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is a team {name!r} already.")
        self.name = name


class DisabledMemberError(InvalidError):
    """Somebody who is disabled cannot come to a team."""

    field = "username"

    def __init__(self, username: str) -> None:
        super().__init__(f"The account of {username!r} is disabled.")
        self.username = username


class GroupMemberError(InvalidError):
    """A group of the provider puts the user into the team."""

    field = "username"

    def __init__(self, team: str, username: str) -> None:
        super().__init__(
            f"{username!r} is in the team {team!r} by a group of single sign-on: they leave it"
            " when they leave that group."
        )
        self.team = team
        self.username = username


def create_team(session: Session, actor: Actor, name: str, description: str = "") -> Team:
    """Make a team, in which nobody is.

    Raises:
        TeamNameError: it cannot be called so.
        TeamTakenError: there is a team of that name.
        InvalidError: the description is too long, or not one line.
    """
    lower = name.strip().lower()
    if not is_team_name(lower):
        raise TeamNameError(name)
    team = Team(name=lower, description=_description(description))
    if not add_if_new(session, team):
        raise TeamTakenError(lower)
    _record(session, actor, Action.TEAM_CREATE, team)
    return team


def describe_team(session: Session, actor: Actor, team: Team, description: str) -> None:
    """Say something else of what the team is for.

    Raises:
        InvalidError: the description is too long, or not one line.
    """
    before, after = team.description, _description(description)
    if before != after:
        team.description = after
        _record(session, actor, Action.TEAM_CHANGE, team, before=before, after=after)


def set_member(
    session: Session, actor: Actor, team: Team, user: User, role: TeamRole
) -> TeamMember:
    """Take the user into the team, or change what they may do there.

    Raises:
        DisabledMemberError: the user is disabled.
    """
    session.refresh(user)
    if user.disabled_at is not None:
        raise DisabledMemberError(user.username)
    return _set(session, actor, team, user, by_hand=role)


def remove_member(session: Session, actor: Actor, team: Team, user: User) -> None:
    """Take the user out of the team, as they or somebody else wished.

    The packages of the team stay its own, whoever is left in it.

    Raises:
        UnknownMemberError: they are not in it.
        GroupMemberError: a group of the provider puts them into it.
    """
    member = queries.get_member(session, team, user)
    if member.by_groups is not None:
        raise GroupMemberError(team.name, user.username)
    _set(session, actor, team, user, by_hand=None)


def set_by_groups(
    session: Session, actor: Actor, team: Team, user: User, role: TeamRole | None
) -> None:
    """Give the user the place in the team that groups of the provider give; None for no place.

    What somebody here gave them stays.
    """
    _set(session, actor, team, user, by_groups=role)


def _set(
    session: Session, actor: Actor, team: Team, user: User, **given: TeamRole | None
) -> TeamMember:
    member = queries.find_member(session, team, user)
    before = None if member is None else member.role
    if member is None:
        member = TeamMember(team=team, user=user)
    for name, role in given.items():
        setattr(member, name, role)
    is_in = member.by_hand is not None or member.by_groups is not None
    after = member.role if is_in else None
    if is_in:
        session.add(member)
    elif before is not None:
        session.delete(member)
    session.flush()
    if before != after:
        _record_member(session, actor, team, user, before=before, after=after)
    return member


def _record_member(
    session: Session,
    actor: Actor,
    team: Team,
    user: User,
    *,
    before: TeamRole | None,
    after: TeamRole | None,
) -> None:
    action = Action.TEAM_MEMBER_CHANGE
    if before is None or after is None:
        action = Action.TEAM_MEMBER_ADD if before is None else Action.TEAM_MEMBER_REMOVE
    data = {"team": team.name, "username": user.username, "before": before, "after": after}
    record(session, actor, action, subject_id=user.id, data=data)


def _record(session: Session, actor: Actor, action: Action, team: Team, **data: Any) -> None:
    told: Mapping[str, Any] = {"team": team.name, **data}
    record(session, actor, action, data=told)


def _description(text: str) -> str:
    return one_line(text, "The description", LONGEST_DESCRIPTION)
