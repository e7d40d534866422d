from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.at_once import at_once
from tests.helpers.packages import add_releases

from packslip.accounts.models import Role, User
from packslip.accounts.queries import get_user
from packslip.db import write_transaction
from packslip.events.models import Event
from packslip.packages import operations, queries
from packslip.packages.maintainer_invitations import (
    AlreadyMaintainerError,
    DisabledUserError,
    InvitationLapsedError,
    accept_invitation,
    decline_invitation,
    invite_maintainer,
    withdraw_invitation,
)
from packslip.packages.models import Maintainer, MaintainerRole, Package
from packslip.packages.queries import UnknownPackageInvitationError

OWNER, MAINTAINER = MaintainerRole.OWNER, MaintainerRole.MAINTAINER


@pytest.fixture
def ada(session: Session) -> User:
    return make_user(session, "ada")


@pytest.fixture
def bob(session: Session) -> User:
    return make_user(session, "bob")


@pytest.fixture
def package(session: Session, ada: User) -> Package:
    """A package that ada owns."""
    return add_releases(session, "demo", owner=ada)


def invite(
    session: Session, package: Package, user: User, by: User | None, role: MaintainerRole = OWNER
) -> None:
    with write_transaction(session):
        invite_maintainer(session, ACTOR, package, user, role, invited_by=by)


def accept(session: Session, package: Package, user: User) -> MaintainerRole:
    with write_transaction(session):
        return accept_invitation(session, ACTOR, package, user)


def withdraw(session: Session, package: Package, user: User) -> None:
    with write_transaction(session):
        withdraw_invitation(session, ACTOR, package, user)


def disable(session: Session, user: User) -> None:
    with write_transaction(session):
        session.refresh(user)
        user.disabled_at = datetime.now(UTC)


def roles(session: Session) -> dict[str, str]:
    return {m.user.username: m.role for m in session.scalars(select(Maintainer))}


def events_of(session: Session) -> list[tuple[str, Any, Any]]:
    events = session.scalars(
        select(Event).where(Event.package_id.is_not(None)).order_by(Event.id)
    ).all()
    return [(event.action, event.data["before"], event.data["after"]) for event in events]


def test_an_invited_user_accepts(session: Session, package: Package, ada: User, bob: User) -> None:
    invite(session, package, bob, ada, MAINTAINER)
    assert (roles(session), package.serial) == ({"ada": "owner"}, 0)
    assert accept(session, package, bob) == MAINTAINER
    assert roles(session) == {"ada": "owner", "bob": "maintainer"}
    invited, accepted = session.scalars(select(Event).where(Event.package_id == "demo")).all()
    assert {invited.subject_id, accepted.subject_id} == {bob.id}
    assert package.serial == accepted.id
    assert events_of(session) == [
        ("maintainer.invite", None, "maintainer"),
        ("maintainer.accept", None, "maintainer"),
    ]
    with pytest.raises(UnknownPackageInvitationError):
        accept(session, package, bob)


def test_inviting_again_changes_the_role(
    session: Session, package: Package, ada: User, bob: User
) -> None:
    invite(session, package, bob, ada, OWNER)
    invite(session, package, bob, ada, MAINTAINER)
    assert accept(session, package, bob) == MAINTAINER
    assert events_of(session)[1] == ("maintainer.invite", "owner", "maintainer")


def test_a_declined_or_withdrawn_invitation_is_gone(
    session: Session, package: Package, ada: User, bob: User
) -> None:
    for end, action in ((decline_invitation, "decline"), (withdraw_invitation, "withdraw")):
        invite(session, package, bob, ada)
        with write_transaction(session):
            end(session, ACTOR, package, bob)
        with pytest.raises(UnknownPackageInvitationError):
            accept(session, package, bob)
        assert events_of(session)[-1] == (f"maintainer.{action}", "owner", None)
    assert (roles(session), package.serial) == ({"ada": "owner"}, 0)


def test_who_is_disabled_is_neither_invited_nor_accepts(
    session: Session, package: Package, ada: User, bob: User
) -> None:
    invite(session, package, bob, ada)
    disable(session, bob)
    with pytest.raises(DisabledUserError):
        accept(session, package, bob)
    with pytest.raises(DisabledUserError):
        invite(session, package, bob, ada)
    assert roles(session) == {"ada": "owner"}


def test_who_looks_after_it_already_is_not_invited(
    session: Session, package: Package, ada: User
) -> None:
    with pytest.raises(AlreadyMaintainerError, match="'ada' is owner of the package 'demo'"):
        invite(session, package, ada, ada, MAINTAINER)


@pytest.mark.parametrize("way", ["removed", "changed", "disabled"])
def test_an_invitation_ends_with_the_right_to_invite(
    way: str, session: Session, package: Package, ada: User, bob: User
) -> None:
    invite(session, package, bob, ada)
    with write_transaction(session):
        carl = make_admin(session)
        operations.set_maintainer(session, ACTOR, package, carl, OWNER)
    if way == "disabled":
        disable(session, ada)
    with write_transaction(session):
        if way == "removed":
            operations.remove_maintainer(session, ACTOR, package, ada)
        if way == "changed":
            operations.set_maintainer(session, ACTOR, package, ada, MAINTAINER)
    with pytest.raises(InvitationLapsedError):
        accept(session, package, bob)
    assert "bob" not in roles(session)
    invite(session, package, bob, get_user(session, "carl"))
    assert accept(session, package, bob) == OWNER


def make_admin(session: Session) -> User:
    carl = User(username="carl", role=Role.ADMIN)
    session.add(carl)
    return carl


def test_admins_and_the_command_line_invite_without_a_part_of_their_own(
    session: Session, package: Package, bob: User
) -> None:
    with write_transaction(session):
        carl = make_admin(session)
    invite(session, package, bob, carl)
    assert accept(session, package, bob) == OWNER
    invite(session, package, carl, None, MAINTAINER)
    assert accept(session, package, carl) == MAINTAINER


def test_who_was_added_meanwhile_has_no_invitation_left(
    session: Session, package: Package, ada: User, bob: User
) -> None:
    invite(session, package, bob, ada, MAINTAINER)
    with write_transaction(session):
        operations.set_maintainer(session, ACTOR, package, bob, OWNER)
    assert queries.list_invitations_of(session, bob) == []
    with pytest.raises(UnknownPackageInvitationError):
        accept(session, package, bob)


def test_an_invitation_never_lowers_a_role(
    session: Session, package: Package, ada: User, bob: User
) -> None:
    invite(session, package, bob, ada, MAINTAINER)
    with write_transaction(session):
        # As an import adds people.
        session.add(Maintainer(user=bob, package=package, role=OWNER))
    assert accept(session, package, bob) == OWNER
    assert roles(session)["bob"] == "owner"


def accepting(session: Session) -> MaintainerRole:
    package, user = queries.get_package(session, "demo"), get_user(session, "bob")
    return accept_invitation(session, ACTOR, package, user)


def withdrawing(session: Session) -> None:
    package, user = queries.get_package(session, "demo"), get_user(session, "bob")
    withdraw_invitation(session, ACTOR, package, user)


def test_of_two_at_once_one_accepts(
    app: Flask, session: Session, package: Package, ada: User, bob: User
) -> None:
    invite(session, package, bob, ada)
    results = at_once(app, accepting, accepting, accepting)
    assert sorted(str(type(result).__name__) for result in results) == [
        "MaintainerRole",
        "UnknownPackageInvitationError",
        "UnknownPackageInvitationError",
    ]
    session.rollback()
    assert [event[0] for event in events_of(session)].count("maintainer.accept") == 1


def test_it_is_either_accepted_or_withdrawn(
    app: Flask, session: Session, package: Package, ada: User, bob: User
) -> None:
    invite(session, package, bob, ada)
    results = at_once(app, accepting, withdrawing)
    session.rollback()
    refused = [isinstance(result, UnknownPackageInvitationError) for result in results]
    assert sorted(refused) == [False, True]
    assert ("bob" in roles(session)) == refused[1]
