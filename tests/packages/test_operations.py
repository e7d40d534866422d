from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.at_once import at_once
from tests.helpers.packages import add_releases

from packslip.accounts.models import User
from packslip.accounts.queries import get_user
from packslip.db import write_transaction
from packslip.errors import PackslipError
from packslip.events.models import Event
from packslip.packages import operations, queries
from packslip.packages.models import MaintainerRole, Package

OWNER, MAINTAINER = MaintainerRole.OWNER, MaintainerRole.MAINTAINER


def set_role(session: Session, package: Package, user: User, role: MaintainerRole) -> None:
    with write_transaction(session):
        operations.set_maintainer(session, ACTOR, package, user, role)


def remove(session: Session, package: Package, user: User) -> None:
    with write_transaction(session):
        operations.remove_maintainer(session, ACTOR, package, user)


def disable(session: Session, user: User) -> None:
    with write_transaction(session):
        user.disabled_at = datetime.now(UTC)


def roles(session: Session, package: Package) -> dict[str, str]:
    return {m.user.username: m.role for m in queries.list_maintainers(session, package)}


def events_of(session: Session, package: Package) -> list[Event]:
    statement = select(Event).where(Event.package_id == package.id).order_by(Event.id)
    return list(session.scalars(statement))


def test_maintainers_are_added_changed_and_removed(session: Session) -> None:
    ada, bob = make_user(session, "ada"), make_user(session, "bob")
    package = add_releases(session, "a", owner=ada)
    set_role(session, package, bob, MAINTAINER)
    assert roles(session, package) == {"ada": "owner", "bob": "maintainer"}
    set_role(session, package, bob, MAINTAINER)
    set_role(session, package, bob, OWNER)
    remove(session, package, ada)
    assert roles(session, package) == {"bob": "owner"}
    events = events_of(session, package)
    assert [event.action for event in events] == [
        "maintainer.add",
        "maintainer.change",
        "maintainer.remove",
    ]
    assert events[1].data["before"] == "maintainer"
    assert package.serial == events[-1].id


def test_the_last_owner_stays(session: Session) -> None:
    ada, bob = make_user(session, "ada"), make_user(session, "bob")
    package = add_releases(session, "a", owner=ada)
    set_role(session, package, bob, MAINTAINER)
    with pytest.raises(operations.LastOwnerError, match=r"^'ada' is the only owner"):
        remove(session, package, ada)
    with pytest.raises(operations.LastOwnerError):
        set_role(session, package, ada, MAINTAINER)
    remove(session, package, bob)
    assert roles(session, package) == {"ada": "owner"}


def test_owners_who_are_disabled_do_not_count(session: Session) -> None:
    ada, bob = make_user(session, "ada"), make_user(session, "bob")
    package = add_releases(session, "a", owner=ada)
    set_role(session, package, bob, OWNER)
    disable(session, bob)
    with pytest.raises(operations.LastOwnerError):
        remove(session, package, ada)
    remove(session, package, bob)
    disable(session, ada)
    with pytest.raises(operations.LastOwnerError):
        remove(session, package, ada)
    assert roles(session, package) == {"ada": "owner"}


def test_of_owners_who_leave_at_once_one_stays(app: Flask, session: Session) -> None:
    users = [make_user(session, name) for name in ("ada", "bob", "carl")]
    package = add_releases(session, "a", owner=users[0])
    for user in users[1:]:
        set_role(session, package, user, OWNER)

    def leaving(name: str) -> Callable[[Session], None]:
        def leave(session: Session) -> None:
            found = queries.get_package(session, "a")
            user = get_user(session, name)
            # What is read before the lock must not count.
            queries.list_maintainers(session, found)
            operations.remove_maintainer(session, ACTOR, found, user)

        return leave

    results = at_once(app, *(leaving(user.username) for user in users))
    assert sorted(type(result).__name__ for result in results) == [
        "LastOwnerError",
        "NoneType",
        "NoneType",
    ]
    session.rollback()
    assert list(roles(session, package).values()) == ["owner"]


def test_a_package_is_handed_over_in_one_act(session: Session) -> None:
    ada, bob = make_user(session, "ada"), make_user(session, "bob")
    package = add_releases(session, "a", owner=ada)
    set_role(session, package, bob, MAINTAINER)
    with write_transaction(session):
        operations.hand_over(session, ACTOR, package, ada, bob)
    assert roles(session, package) == {"ada": "maintainer", "bob": "owner"}
    *_, became_owner, became_maintainer = events_of(session, package)
    assert (became_owner.subject_id, became_owner.data["after"]) == (bob.id, "owner")
    assert (became_maintainer.subject_id, became_maintainer.data["before"]) == (ada.id, "owner")
    assert package.serial == became_maintainer.id


def test_a_package_is_not_handed_over_to_just_anybody(session: Session) -> None:
    ada, bob, carl = (make_user(session, name) for name in ("ada", "bob", "carl"))
    package = add_releases(session, "a", owner=ada)
    set_role(session, package, bob, MAINTAINER)

    def refused(owner: User, heir: User) -> type[Exception]:
        with pytest.raises(PackslipError) as caught, write_transaction(session):
            operations.hand_over(session, ACTOR, package, owner, heir)
        return caught.type

    assert refused(ada, carl) is queries.UnknownMaintainerError
    assert refused(ada, ada) is operations.HeirError
    assert refused(bob, ada) is operations.NotOwnerError
    disable(session, bob)
    assert refused(ada, bob) is operations.HeirError
    assert roles(session, package) == {"ada": "owner", "bob": "maintainer"}


def test_a_maintainer_of_a_package_without_owner_can_go(session: Session) -> None:
    bob = make_user(session, "bob")
    package = add_releases(session, "a")
    set_role(session, package, bob, MAINTAINER)
    remove(session, package, bob)
    assert roles(session, package) == {}


def test_who_is_no_maintainer_cannot_be_removed(session: Session) -> None:
    package = add_releases(session, "a", owner=make_user(session, "ada"))
    bob = make_user(session, "bob")
    with pytest.raises(queries.UnknownMaintainerError):
        remove(session, package, bob)
