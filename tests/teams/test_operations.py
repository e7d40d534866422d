"""Teams, and who is in them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.teams import make_team

from packslip.db import write_transaction
from packslip.errors import InvalidError
from packslip.events.models import Event
from packslip.events.words import describe
from packslip.packages.team_models import TeamRole
from packslip.teams.operations import (
    DisabledMemberError,
    GroupMemberError,
    TeamNameError,
    TeamTakenError,
    create_team,
    describe_team,
    remove_member,
    set_by_groups,
    set_member,
)
from packslip.teams.queries import (
    UnknownMemberError,
    UnknownTeamError,
    get_member,
    get_team,
    list_members,
    list_teams,
)


@pytest.mark.parametrize("name", ["data", "Data-Platform", " web2 ", "a" * 40])
def test_a_team_has_a_name_that_fits_an_address(session: Session, name: str) -> None:
    with write_transaction(session):
        create_team(session, ACTOR, name)
    assert get_team(session, name.strip().upper()).name == name.strip().lower()


@pytest.mark.parametrize(
    "name", ["", "a" * 41, "-data", "data-", "da--ta", "da ta", "dätä", "data/x", "..", "x\0"]
)
def test_other_names_are_refused_and_lead_to_nothing(session: Session, name: str) -> None:
    with pytest.raises(TeamNameError), write_transaction(session):
        create_team(session, ACTOR, name)
    session.rollback()
    with pytest.raises(UnknownTeamError):
        get_team(session, name)


def test_a_name_is_taken_once(session: Session) -> None:
    make_team(session, "data")
    with pytest.raises(TeamTakenError), write_transaction(session):
        create_team(session, ACTOR, "DATA")


def test_a_description_is_one_line(session: Session) -> None:
    team = make_team(session)
    with write_transaction(session):
        describe_team(session, ACTOR, team, " Keeps the lake clean. ")
    assert team.description == "Keeps the lake clean."
    for text in ("two\nlines", "x" * 201):
        with pytest.raises(InvalidError), write_transaction(session):
            describe_team(session, ACTOR, team, text)
        session.rollback()


def test_members_come_change_and_go(session: Session) -> None:
    ada, bob = make_user(session), make_user(session, "bob")
    team = make_team(session, "data", ada, managers=(bob,))
    assert [(one.user.username, one.role) for one in list_members(session, team)] == [
        ("bob", TeamRole.MANAGER),
        ("ada", TeamRole.MEMBER),
    ]
    with write_transaction(session):
        set_member(session, ACTOR, team, ada, TeamRole.MANAGER)
        set_member(session, ACTOR, team, ada, TeamRole.MANAGER)
        remove_member(session, ACTOR, team, bob)
    assert [one.user.username for one in list_members(session, team)] == ["ada"]
    assert [(row.team.name, row.members) for row in list_teams(session)] == [("data", 1)]
    told = [describe(event) for event in session.scalars(select(Event).order_by(Event.id))]
    assert told[-4:] == [
        "tester took ada into the team data as member",
        "tester took bob into the team data as manager",
        "tester made ada manager of the team data instead of member",
        "tester took bob, who was manager, out of the team data",
    ]


def test_who_is_disabled_comes_to_no_team(session: Session) -> None:
    ada = make_user(session)
    ada.disabled_at = datetime.now(UTC)
    session.commit()
    team = make_team(session)
    with pytest.raises(DisabledMemberError), write_transaction(session):
        set_member(session, ACTOR, team, ada, TeamRole.MEMBER)


def test_who_is_not_in_a_team_cannot_be_taken_out(session: Session) -> None:
    ada, team = make_user(session), make_team(session)
    with pytest.raises(UnknownMemberError), write_transaction(session):
        remove_member(session, ACTOR, team, ada)


def test_groups_and_people_give_places_apart_from_one_another(session: Session) -> None:
    ada, team = make_user(session), make_team(session)
    with write_transaction(session):
        set_by_groups(session, ACTOR, team, ada, TeamRole.MEMBER)
        set_member(session, ACTOR, team, ada, TeamRole.MANAGER)
    assert get_member(session, team, ada).role == TeamRole.MANAGER
    with pytest.raises(GroupMemberError), write_transaction(session):
        remove_member(session, ACTOR, team, ada)
    session.rollback()
    with write_transaction(session):
        set_by_groups(session, ACTOR, team, ada, None)
    assert get_member(session, team, ada).role == TeamRole.MANAGER
    with write_transaction(session):
        remove_member(session, ACTOR, team, ada)
        set_by_groups(session, ACTOR, team, ada, None)
    with pytest.raises(UnknownMemberError):
        get_member(session, team, ada)
