"""Reading the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from packslip.db import write_transaction
from packslip.events import queries
from packslip.events.filters import AddressError, MomentError, read_filter
from packslip.events.models import Action, Event
from packslip.events.operations import Actor, record
from packslip.events.queries import (
    ActionError,
    EventFilter,
    actions_of,
    iterate_events,
    list_events,
    list_package_events,
    list_user_events,
)

DAY = datetime(2026, 3, 1, 12, tzinfo=UTC)


def add_events(session: Session, *events: dict[str, Any]) -> None:
    """Events of somebody who logs in, unless they say otherwise; numbered from 1."""
    with write_transaction(session):
        for values in events:
            session.add(Event(**{"action": Action.USER_LOG_IN, "actor_name": "ada", **values}))
            session.flush()


def ids(events: Sequence[Event]) -> list[int]:
    return [event.id for event in events]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (EventFilter(), [5, 4, 3, 2, 1]),
        (EventFilter(actor="ada"), [5, 3, 2]),
        (EventFilter(actor="command line"), [1]),
        (EventFilter(subject_id=7), [4, 2]),
        (EventFilter(package="demo"), [3]),
        (EventFilter(action="user.log-in"), [5, 4]),
        (EventFilter(action="user.*"), [5, 4, 1]),
        (EventFilter(action="token.*", actor="ada"), [2]),
        (EventFilter(address="192.0.2.1"), [4]),
        (EventFilter(since=DAY), [5, 4, 3]),
        (EventFilter(until=DAY), [2, 1]),
        (EventFilter(since=DAY, until=DAY + timedelta(days=1)), [3]),
        (EventFilter(actor="a\0da"), []),
        (EventFilter(package="\ud800"), []),
    ],
)
def test_events_are_filtered(session: Session, wanted: EventFilter, found: list[int]) -> None:
    day = timedelta(days=1)
    add_events(
        session,
        {"action": Action.USER_CREATE, "actor_name": "command line", "created_at": DAY - 2 * day},
        {"action": Action.TOKEN_CREATE, "subject_id": 7, "created_at": DAY - day},
        {"action": Action.FILE_UPLOAD, "package_id": "demo", "created_at": DAY},
        {
            "actor_name": "eve",
            "subject_id": 7,
            "ip_address": "192.0.2.1",
            "created_at": DAY + day,
        },
        {},
    )
    assert ids(list_events(session, wanted)) == found
    assert ids(list(iterate_events(session, wanted))) == found[::-1]


def test_pages_follow_each_other(session: Session) -> None:
    add_events(session, *({} for _ in range(5)))
    assert ids(list_events(session, EventFilter(), limit=2)) == [5, 4]
    assert ids(list_events(session, EventFilter(), before=4, limit=2)) == [3, 2]


def test_events_of_a_package_and_of_a_user_come_newest_first(session: Session) -> None:
    ada, bob = Actor("ada", user_id=1), Actor("bob", user_id=2)
    with write_transaction(session):
        first = record(session, ada, Action.PACKAGE_CREATE, package_id="a").id
        second = record(session, ada, Action.MAINTAINER_ADD, package_id="a", subject_id=2).id
        third = record(session, bob, Action.PACKAGE_CREATE, package_id="b").id
        record(session, Actor.command(), Action.USER_CREATE, subject_id=3)
    assert ids(list_package_events(session, "a", None, 9)) == [second, first]
    assert ids(list_package_events(session, "a", second, 9)) == [first]
    assert ids(list_user_events(session, 1, None, 9)) == [second, first]
    assert ids(list_user_events(session, 2, None, 9)) == [third, second]
    assert ids(list_user_events(session, 2, None, 1)) == [third]
    assert ids(list_user_events(session, 9, None, 9)) == []


def test_all_events_are_read_in_batches(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "BATCH", 2)
    add_events(session, *({} for _ in range(5)))
    events = iterate_events(session, EventFilter())
    seen = []
    for event in events:
        seen.append(event.id)
        assert len(session.identity_map) == 0
        assert not session.in_transaction()
    assert seen == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "change", [update(Event).values(actor_name="eve"), delete(Event)], ids=["update", "delete"]
)
def test_the_database_refuses_to_change_the_log(session: Session, change: Any) -> None:
    add_events(session, {})
    with pytest.raises(DBAPIError, match="never changed"), write_transaction(session):
        session.execute(change)
    assert list_events(session, EventFilter())[0].actor_name == "ada"


def test_events_may_go_once_they_are_old(session: Session) -> None:
    now = datetime.now(UTC)
    add_events(
        session,
        {"created_at": now - timedelta(days=31)},
        {"created_at": now - timedelta(days=29)},
    )
    with write_transaction(session):
        session.execute(delete(Event).where(Event.id == 1))
    with pytest.raises(DBAPIError, match="30 days"), write_transaction(session):
        session.execute(delete(Event).where(Event.id == 2))
    with pytest.raises(DBAPIError, match="never changed"), write_transaction(session):
        session.execute(update(Event).values(data={}))


@pytest.mark.parametrize("action", ["", "*", ".*", "user", "use.*", "user.fly", "user.log-in.*"])
def test_an_unknown_action_is_told(action: str) -> None:
    with pytest.raises(ActionError):
        actions_of(action)


def test_days_are_included_and_moments_are_utc() -> None:
    wanted = read_filter(since="2026-01-30", until="2026-01-31")
    assert wanted.since == datetime(2026, 1, 30, tzinfo=UTC)
    assert wanted.until == datetime(2026, 2, 1, tzinfo=UTC)
    exact = read_filter(until="2026-01-31T08:00", since="2026-01-31T08:00+02:00")
    assert exact.until == datetime(2026, 1, 31, 8, tzinfo=UTC)
    assert exact.since == datetime(2026, 1, 31, 6, tzinfo=UTC)


def test_what_people_type_is_brought_into_the_form_that_events_have() -> None:
    wanted = read_filter(actor=" Ada ", package="Foo.Bar", address="2001:DB8:0::1", action="file.*")
    assert wanted == EventFilter("ada", None, "foo-bar", "file.*", "2001:db8::1")
    assert read_filter(package="", since=" ") == EventFilter()


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "9999-12-31", "0001-01-01T00+05"])
def test_what_is_no_moment_is_told(text: str) -> None:
    with pytest.raises(MomentError) as caught:
        read_filter(until=text)
    assert caught.value.field == "until"


def test_what_is_no_address_is_told() -> None:
    with pytest.raises(AddressError):
        read_filter(address="localhost")
