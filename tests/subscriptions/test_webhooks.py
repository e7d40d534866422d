"""Messages to webhooks: queued with what happened, signed, and sent until they are taken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from structlog.testing import capture_logs
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.notes import fields, make_note
from tests.helpers.packages import add_releases
from tests.helpers.receiver import Receiver, receiver

from packslip.accounts.models import Role
from packslip.db import write_transaction
from packslip.events.models import Event
from packslip.notes.acts import lift_act
from packslip.notes.operations import create_note
from packslip.packages.models import Act
from packslip.subscriptions import sender
from packslip.subscriptions.models import Webhook, WebhookDelivery
from packslip.subscriptions.operations import add_webhook, redeliver, send_test
from packslip.subscriptions.sender import LEASE, WAITS, current_deliverer


class CrashError(BaseException):
    """The process ends here."""


@pytest.fixture
def told() -> Iterator[Receiver]:
    with receiver() as told:
        yield told


def add(session: Session, told: Receiver, **values: Any) -> tuple[Webhook, str]:
    with write_transaction(session):
        return add_webhook(session, ACTOR, told.url, **({"allow_private": True} | values))


def deliveries(session: Session) -> list[WebhookDelivery]:
    session.rollback()
    return list(session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)))


def make_due(session: Session, after: timedelta = timedelta(0)) -> None:
    """Let so much time pass."""
    due = WebhookDelivery.next_attempt_at <= datetime.now(UTC) + after
    with write_transaction(session):
        session.execute(
            update(WebhookDelivery).where(due).values(next_attempt_at=datetime.now(UTC))
        )


def test_an_act_is_told_until_it_is_taken_and_signed_each_time(
    session: Session, told: Receiver
) -> None:
    add_releases(session, "demo", {"1.0": ["demo-1.0-py3-none-any.whl"]})
    ada = make_user(session, "ada", role=Role.ADMIN)
    webhook, secret = add(session, told)
    add(session, told, events=["file.upload"])
    told.statuses = [500, 302, 200]
    note = make_note(session, ada, "Drops sessions", act=Act.HOLD, version_range="==1.0")
    make_note(session, ada, "Not told of")
    deliver = current_deliverer()
    with capture_logs() as logs:
        assert [deliver.send_due(), deliver.send_due()] == [0, 0]
        make_due(session, WAITS[0])
        assert [deliver.send_due(), deliver.send_due()] == [0, 0]
        make_due(session, WAITS[0])
        assert deliver.send_due() == 0
        make_due(session, WAITS[1])
        assert [deliver.send_due(), deliver.send_due()] == [1, 0]
    assert "hook?key" not in repr(logs)
    assert secret not in repr(logs)
    first, *others = told.messages
    assert len(others) == 2
    assert all(one.is_signed_with(secret) for one in told.messages)
    assert {one.headers["webhook-id"] for one in told.messages} == {first.headers["webhook-id"]}
    said = json.loads(first.body)
    assert said["type"] == "act.begin"
    assert (said["data"]["package"], said["data"]["act"]) == ("demo", "hold")
    assert said["data"]["version_range"] == "==1.0"
    assert said["data"]["note"] == {
        "id": note.id,
        "title": "Drops sessions",
        "url": f"http://packages.example.com/notes/{note.id}",
    }
    (delivery,) = deliveries(session)
    assert (delivery.state, delivery.attempts, delivery.last_status) == ("delivered", 3, 200)
    assert delivery.webhook_id == webhook.id
    assert secret not in webhook.secret
    assert secret not in repr([event.data for event in session.scalars(select(Event))])
    with write_transaction(session):
        redeliver(session, deliveries(session)[0])
    assert deliver.send_due() == 1
    assert told.messages[-1].headers["webhook-id"] == first.headers["webhook-id"]


def test_it_is_given_up_after_about_a_day(session: Session, told: Receiver) -> None:
    webhook, _ = add(session, told)
    told.statuses = [503]
    with write_transaction(session):
        send_test(session, webhook)
    for wait in (*WAITS, timedelta(0)):
        assert current_deliverer().send_due() == 0
        make_due(session, wait)
    (delivery,) = deliveries(session)
    assert (delivery.state, delivery.next_attempt_at) == ("failed", None)
    assert (delivery.last_status, delivery.last_error) == (503, "answered 503")
    assert len(told.messages) == len(WAITS) + 1
    assert timedelta(hours=22) < sum(WAITS, timedelta(0)) < timedelta(hours=26)


def test_nothing_is_told_of_what_was_rolled_back(session: Session, told: Receiver) -> None:
    add_releases(session, "demo", {"1.0": ["demo-1.0-py3-none-any.whl"]})
    ada = make_user(session, "ada", role=Role.ADMIN)
    add(session, told)
    with pytest.raises(RuntimeError), write_transaction(session):
        create_note(session, ACTOR, ada, fields(act=Act.YANK))
        raise RuntimeError
    note = make_note(session, ada, act=Act.YANK)
    with write_transaction(session):
        lift_act(session, ACTOR, ada, note)
    assert current_deliverer().send_due() == 2
    assert [json.loads(one.body)["type"] for one in told.messages] == ["act.begin", "act.lift"]


def test_a_process_that_ends_while_it_sends_leaves_the_message_to_others(
    app: Flask, session: Session, told: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook, _ = add(session, told)
    with write_transaction(session):
        send_test(session, webhook)

    def crash(*args: object, **options: object) -> int:
        raise CrashError

    with monkeypatch.context() as patch:
        patch.setattr(sender, "post", crash)
        with pytest.raises(CrashError):
            current_deliverer().send_due()
    # Until then it might still be at it.
    assert sender.Deliverer(app).send_due() == 0
    make_due(session, LEASE)
    assert sender.Deliverer(app).send_due() == 1
    assert [one.attempts for one in deliveries(session)] == [2]


def test_a_receiver_in_a_private_network_is_not_told_unless_that_is_allowed(
    session: Session, told: Receiver
) -> None:
    webhook, _ = add(session, told, allow_private=False)
    with write_transaction(session):
        send_test(session, webhook)
        send_test(session, webhook)
    assert current_deliverer().send_due() == 0
    first, second = deliveries(session)
    assert first.last_error == "the host is in a private network"
    # Who cannot be reached holds nobody up.
    assert (second.attempts, second.next_attempt_at is not None) == (0, True)
    assert not told.messages
