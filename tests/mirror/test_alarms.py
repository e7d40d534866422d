"""What upstream changes is drafted as a note and told to whoever watches, once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.app import make_app
from tests.helpers.mail import Mailbox, deliver, mailbox
from tests.helpers.upstream_pages import mirror, upstream_file

from packslip.db import Base, write_transaction
from packslip.mail.sender import current_sender
from packslip.mirror import taking
from packslip.mirror.alarm_models import AlarmKind, MirrorAlarm
from packslip.mirror.alarm_words import body_of, names_of, range_of, title_of
from packslip.mirror.alarms import (
    GrownAlarmError,
    UnknownAlarmError,
    open_alarms,
    settle_alarm,
    take_alarm,
)
from packslip.mirror.claiming import claim_name
from packslip.subscriptions.models import WebhookDelivery
from packslip.subscriptions.operations import add_webhook, watch, watch_releases

ONE, TWO = upstream_file("demo-1.0.tar.gz"), upstream_file("demo-2.0.tar.gz")


NOW_YANKED = replace(ONE, yanked="Broken")


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mailbox() as box:
        yield box


@pytest.fixture
def app(box: Mailbox, database_url: str, tmp_path: Path) -> Iterator[Flask]:
    app = make_app(tmp_path, database_url, PACKSLIP_SMTP_URL=box.url)
    with app.app_context():
        yield app
        current_sender().stop()


def titles(session: Session) -> list[str]:
    session.rollback()
    return [title_of(alarm) for alarm in open_alarms(session)]


def count(session: Session, model: type[Base]) -> int:
    session.rollback()
    return session.scalar(select(func.count()).select_from(model)) or 0


def settle(session: Session) -> None:
    with write_transaction(session):
        [alarm] = open_alarms(session)
        settle_alarm(session, ACTOR, take_alarm(session, alarm.id, alarm.event_id))


def test_nothing_is_told_of_what_is_new_or_the_same(session: Session) -> None:
    mirror(session, "demo", replace(ONE, yanked=""))
    mirror(session, "demo", replace(ONE, yanked=""), TWO)
    assert titles(session) == []


def test_each_kind_of_change_is_one_draft_with_its_versions(session: Session) -> None:
    mirror(session, "demo", ONE, TWO)
    altered = replace(ONE, digests={"sha256": "f" * 64})
    mirror(session, "demo", altered, replace(TWO, yanked="Broken"), status="archived")
    mirror(session, "demo", altered, status="archived")
    assert sorted(titles(session)) == [
        "demo 1.0: a file's bytes changed upstream",
        "demo 2.0: a file is gone upstream",
        "demo 2.0: yanked upstream",
        "demo: archived upstream",
    ]
    first = open_alarms(session)[0]
    assert (names_of(first), range_of(first)) == (["demo-2.0.tar.gz"], "==2.0")
    assert "- `demo-2.0.tar.gz`" in body_of(first)


def test_new_releases_are_told_to_whoever_wants_that_alone(
    app: Flask, session: Session, box: Mailbox
) -> None:
    people = [make_user(session, name) for name in ("ada", "bob", "eve")]
    with write_transaction(session):
        for user in people:
            user.email, user.email_confirmed_at = f"{user.username}@example.com", datetime.now(UTC)
        for kind in ("mirror.release", "mirror.yank"):
            add_webhook(session, ACTOR, "https://hooks.example.com/", events=[kind])
    mirror(session, "demo", ONE)
    with write_transaction(session):
        watch(session, people[0], "demo")
        watch(session, people[1], None)
        watch_releases(session, people[2], "demo", wanted=True)
    late = upstream_file("demo-1.0-py3-none-any.whl")
    mirror(session, "demo", ONE, late)
    assert (deliver(app), count(session, WebhookDelivery)) == (0, 0)
    mirror(session, "demo", ONE, late, TWO, upstream_file("demo-3.0a1.tar.gz"))
    assert deliver(app) == 1
    [message] = box.messages
    assert message["To"] == "eve@example.com"
    assert message["Subject"].endswith("demo 2.0, 3.0a1 upstream")
    session.rollback()
    [delivery] = session.scalars(select(WebhookDelivery))
    assert delivery.kind == "mirror.release"
    assert delivery.payload["data"]["versions"] == ["2.0", "3.0a1"]
    # From another upstream all of it comes anew, and is no news.
    mirror(session, "demo", ONE, TWO, source="another")
    with write_transaction(session):
        watch_releases(session, people[2], "demo", wanted=False)
    mirror(session, "demo", ONE, TWO, upstream_file("demo-4.0.tar.gz"), source="another")
    assert (deliver(app), count(session, WebhookDelivery)) == (0, 2)


def test_a_storm_is_one_draft_and_one_mail_until_somebody_has_settled_it(
    app: Flask, session: Session, box: Mailbox
) -> None:
    user = make_user(session)
    with write_transaction(session):
        user.email_confirmed_at = datetime.now(UTC)
        add_webhook(session, ACTOR, "https://hooks.example.com/", events=["mirror.yank"])
    mirror(session, "demo", ONE, TWO)
    with write_transaction(session):
        watch(session, user, "demo")
    mirror(session, "demo", NOW_YANKED, TWO)
    [seen] = open_alarms(session)
    shown = (seen.id, seen.event_id)
    mirror(session, "demo", NOW_YANKED, replace(TWO, yanked=""))
    assert titles(session) == ["demo 1.0, 2.0: yanked upstream"]
    with pytest.raises(GrownAlarmError), write_transaction(session):
        take_alarm(session, *shown)
    assert (deliver(app), count(session, WebhookDelivery)) == (1, 2)
    [message] = box.messages
    assert "demo: yanked upstream" in message["Subject"]
    settle(session)
    with pytest.raises(UnknownAlarmError), write_transaction(session):
        take_alarm(session, *shown)
    mirror(session, "demo", ONE, replace(TWO, yanked=""))
    assert titles(session) == []
    mirror(session, "demo", NOW_YANKED, replace(TWO, yanked=""))
    assert titles(session) == ["demo 1.0: yanked upstream"]
    assert deliver(app) == 1


def test_an_alarm_stands_if_and_only_if_its_event_does(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror(session, "demo", ONE)

    def die(*_: object, **__: object) -> None:
        raise SystemExit

    monkeypatch.setattr(taking, "apply_acts", die)
    with pytest.raises(SystemExit):
        mirror(session, "demo", NOW_YANKED)
    assert count(session, MirrorAlarm) == 0
    monkeypatch.undo()
    mirror(session, "demo", NOW_YANKED)
    assert count(session, MirrorAlarm) == 1


def test_a_name_that_is_claimed_leaves_no_alarm(session: Session) -> None:
    mirror(session, "demo", ONE)
    mirror(session, "demo", NOW_YANKED)
    owner = make_user(session)
    with write_transaction(session):
        claim_name(session, ACTOR, owner, "demo")
    assert count(session, MirrorAlarm) == 0


def test_names_from_upstream_stay_within_their_code_spans() -> None:
    alarm = MirrorAlarm(
        package_id="demo",
        kind=AlarmKind.VANISHED,
        day="2026-01-31",
        event_id=7,
        details={"versions": [str(n) for n in range(60)], "filenames": ["a`# x`\n# y.tar.gz"]},
    )
    assert title_of(alarm) == "demo 0, 1, 2 and 57 more: a file is gone upstream"
    assert body_of(alarm).endswith("- `a'# x' # y.tar.gz`")
    assert range_of(alarm) is None
