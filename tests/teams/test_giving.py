"""What teams look after."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.packages import add_package, add_releases
from tests.helpers.teams import make_team

from packslip.db import write_transaction
from packslip.events.models import Action, Event
from packslip.events.words import describe
from packslip.packages.models import MaintainerRole, Origin
from packslip.packages.queries import get_package
from packslip.packages.roles import list_team_parts
from packslip.packages.team_models import Team
from packslip.teams import giving
from packslip.teams.giving import (
    MirroredPackageError,
    NotGivenError,
    OwnerlessError,
    PrefixError,
    read_prefix,
)

OWNER, MAINTAINER = MaintainerRole.OWNER, MaintainerRole.MAINTAINER


@pytest.mark.parametrize("text", ["acme", "Acme", " acme- ", "acme-*", "ACME*"])
def test_a_prefix_is_read_however_it_is_written(text: str) -> None:
    assert read_prefix(text) == "acme"


def test_a_prefix_is_normalised_as_names_are() -> None:
    assert read_prefix("Acme_Web.api") == "acme-web-api"


@pytest.mark.parametrize("text", ["", "*", "-", "a/b", "acme web", "äcme", "a" * 500, "x\0"])
def test_what_no_name_begins_with_is_refused(text: str) -> None:
    with pytest.raises(PrefixError):
        read_prefix(text)


def test_a_package_and_a_prefix_are_given_changed_and_taken(session: Session) -> None:
    add_releases(session, "acme-web", owner=make_user(session))
    team = make_team(session)
    package = get_package(session, "acme-web")
    with write_transaction(session):
        giving.give_package(session, ACTOR, team, package, MAINTAINER)
        giving.give_package(session, ACTOR, team, package, OWNER)
        giving.give_package(session, ACTOR, team, package, OWNER)
        giving.give_prefix(session, ACTOR, team, "acme", MAINTAINER)
    parts = [(one.team, one.role, one.prefix) for one in list_team_parts(session, package)]
    assert parts == [("data", OWNER, None), ("data", MAINTAINER, "acme")]
    with write_transaction(session):
        giving.take_package(session, ACTOR, team, package)
        assert giving.take_prefix(session, ACTOR, team, "acme-*") == "acme"
    assert list_team_parts(session, package) == []
    told = [describe(event) for event in session.scalars(select(Event).order_by(Event.id))]
    assert told[-5:] == [
        "tester made the team data maintainer of acme-web",
        "tester made the team data owner of acme-web",
        "tester made the team data maintainer of all packages under acme",
        "tester removed the team data, which was owner, from acme-web",
        "tester took the prefix acme from the team data, which was maintainer",
    ]


def test_what_was_not_given_cannot_be_taken(session: Session) -> None:
    add_releases(session, "demo", owner=make_user(session))
    team = make_team(session)
    with pytest.raises(NotGivenError), write_transaction(session):
        giving.take_package(session, ACTOR, team, get_package(session, "demo"))
    with pytest.raises(NotGivenError), write_transaction(session):
        giving.take_prefix(session, ACTOR, team, "acme")


def test_what_is_mirrored_is_given_to_nobody(session: Session) -> None:
    package = add_package(session, "demo", origin=Origin.MIRRORED)
    team = make_team(session)
    with pytest.raises(MirroredPackageError), write_transaction(session):
        giving.give_package(session, ACTOR, team, package, OWNER)


Change = Callable[[Session, Team], object]

#: Everything that can end what a team owns.
ENDINGS: dict[str, Change] = {
    "take the package": lambda session, team: giving.take_package(
        session, ACTOR, team, get_package(session, "acme-web")
    ),
    "take the prefix": lambda session, team: giving.take_prefix(session, ACTOR, team, "acme"),
    "make it maintainer": lambda session, team: giving.give_package(
        session, ACTOR, team, get_package(session, "acme-web"), MAINTAINER
    ),
    "make it maintainer of the prefix": lambda session, team: giving.give_prefix(
        session, ACTOR, team, "acme", MAINTAINER
    ),
    "remove the team": lambda session, team: giving.remove_team(session, ACTOR, team),
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("other", ["nobody", "disabled", "a person", "a team", "a maintainer"])
def test_no_package_is_left_without_an_owner(session: Session, ending: str, other: str) -> None:
    bob = make_user(session, "bob")
    add_releases(session, "acme-web", owner=bob if other in ("a person", "disabled") else None)
    if other == "disabled":
        bob.disabled_at = datetime.now(UTC)
        session.commit()
    is_of_prefix = "prefix" in ending
    team = make_team(
        session,
        packages={} if is_of_prefix else {"acme-web": "owner"},
        prefixes={"acme": "owner"} if is_of_prefix else {},
    )
    if other in ("a team", "a maintainer"):
        role = "owner" if other == "a team" else "maintainer"
        make_team(session, "other", packages={"acme-web": role})
    if other in ("a person", "a team"):
        with write_transaction(session):
            ENDINGS[ending](session, team)
        return
    with pytest.raises(OwnerlessError, match="'acme-web'"), write_transaction(session):
        ENDINGS[ending](session, team)
    session.rollback()
    assert list_team_parts(session, get_package(session, "acme-web"))[0].role == OWNER


def test_of_many_packages_some_are_named(session: Session) -> None:
    for number in range(5):
        add_releases(session, f"acme-{number}")
    team = make_team(session, prefixes={"acme": "owner"})
    with (
        pytest.raises(OwnerlessError, match="owns 'acme-0', 'acme-1', 'acme-2' and others"),
        write_transaction(session),
    ):
        giving.remove_team(session, ACTOR, team)


def test_a_team_that_maintained_an_ownerless_package_may_go(session: Session) -> None:
    add_releases(session, "demo")
    team = make_team(session, packages={"demo": "maintainer"}, prefixes={"de": "maintainer"})
    with write_transaction(session):
        giving.remove_team(session, ACTOR, team)
    event = session.scalars(select(Event).where(Event.action == Action.TEAM_REMOVE)).one()
    assert event.data == {"team": "data", "packages": ["demo"], "prefixes": ["de"]}
