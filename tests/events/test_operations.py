from sqlalchemy import select
from sqlalchemy.orm import Session

from packslip.db import write_transaction
from packslip.events.models import Action, Event
from packslip.events.operations import Actor, record


def test_an_event_says_who_did_what_from_where(session: Session) -> None:
    actor = Actor("ada", user_id=7, token_id=8, ip_address="192.0.2.1")
    with write_transaction(session):
        record(session, actor, Action.RELEASE_YANK, package_id="flask", data={"version": "1.0"})
    event = session.scalars(select(Event)).one()
    assert (event.actor_name, event.actor_id, event.token_id) == ("ada", 7, 8)
    assert (event.action, event.ip_address) == ("release.yank", "192.0.2.1")
    assert (event.package_id, event.data) == ("flask", {"version": "1.0"})
    assert event.created_at is not None


def test_numbers_of_events_are_there_at_once_and_grow(session: Session) -> None:
    with write_transaction(session):
        numbers = [record(session, Actor.command(), Action.USER_CREATE).id for _ in range(3)]
    assert numbers == sorted(set(numbers))


def test_the_command_line_is_nobody_in_particular() -> None:
    actor = Actor.command()
    assert (actor.user_id, actor.token_id, actor.ip_address) == (None, None, None)
    assert " " in actor.name
