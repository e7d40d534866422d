from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from packslip.db import write_transaction
from packslip.events.models import Action, Event
from packslip.events.operations import Actor, record
from packslip.events.queries import list_package_events, list_user_events


def numbers(events: Sequence[Event]) -> list[int]:
    return [event.id for event in events]


def test_events_of_a_package_and_of_a_user_come_newest_first(session: Session) -> None:
    ada, bob = Actor("ada", user_id=1), Actor("bob", user_id=2)
    with write_transaction(session):
        first = record(session, ada, Action.PACKAGE_CREATE, package_id="a").id
        second = record(session, ada, Action.MAINTAINER_ADD, package_id="a", subject_id=2).id
        third = record(session, bob, Action.PACKAGE_CREATE, package_id="b").id
        record(session, Actor.command(), Action.USER_CREATE, subject_id=3)
    assert numbers(list_package_events(session, "a", None, 9)) == [second, first]
    assert numbers(list_package_events(session, "a", second, 9)) == [first]
    assert numbers(list_user_events(session, 1, None, 9)) == [second, first]
    assert numbers(list_user_events(session, 2, None, 9)) == [third, second]
    assert numbers(list_user_events(session, 2, None, 1)) == [third]
    assert numbers(list_user_events(session, 9, None, 9)) == []
