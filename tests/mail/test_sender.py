"""The queue, and what empties it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from tests.helpers.app import make_app
from tests.helpers.mail import Mailbox, deliver, mailbox, text_of

from packslip.db import db, write_transaction
from packslip.mail import sender as module
from packslip.mail.messages import plain_message
from packslip.mail.models import Mail
from packslip.mail.operations import can_send, enqueue
from packslip.mail.sender import Sender, current_sender

TO = "ada@example.com"


class CrashError(BaseException):
    """The process ends here."""


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mailbox() as box:
        yield box


def compose(session: Session, mail: Mail) -> EmailMessage | None:
    if mail.data.get("silent"):
        return None
    return plain_message(mail.recipient, f"Hello {mail.data.get('number')}", "A text.\n")


@pytest.fixture
def app(box: Mailbox, database_url: str, tmp_path: Path) -> Iterator[Flask]:
    app = make_app(tmp_path, database_url, PACKSLIP_SMTP_URL=box.url)
    module.init_app(app, {"test": compose})
    with app.app_context():
        yield app
        current_sender().stop()


@pytest.fixture
def session(app: Flask) -> Session:
    return db.session()


def queue(session: Session, kind: str = "test", **data: object) -> None:
    with write_transaction(session):
        enqueue(session, kind, TO, data)


def waiting(session: Session) -> list[Mail]:
    session.rollback()
    return list(session.scalars(select(Mail).order_by(Mail.id)))


def make_due(session: Session) -> None:
    """Let all the time pass that the mails have to wait."""
    with write_transaction(session):
        session.execute(update(Mail).values(due_at=datetime.now(UTC)))


def test_a_mail_is_sent_and_its_row_goes(app: Flask, session: Session, box: Mailbox) -> None:
    queue(session, number=1)
    assert deliver(app) == 1
    (message,) = box.messages
    assert (message["To"], message["X-To"]) == (TO, TO)
    assert message["Subject"] == "Hello 1"
    assert str(message["From"]) == "Packslip <packslip@packages.example.com>"
    assert message["X-From"] == "packslip@packages.example.com"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@packages.example.com>")
    assert abs(message["Date"].datetime - datetime.now(UTC)) < timedelta(minutes=5)
    assert text_of(message) == "A text.\n"
    assert waiting(session) == []
    assert deliver(app) == 0


def test_a_transaction_that_fails_leaves_no_mail(app: Flask, session: Session) -> None:
    with pytest.raises(CrashError), write_transaction(session):
        enqueue(session, "test", TO, {})
        raise CrashError
    assert deliver(app) == 0


def test_without_a_server_nothing_piles_up(database_url: str, tmp_path: Path) -> None:
    app = make_app(tmp_path, database_url)
    with app.app_context():
        assert not can_send()
        queue(db.session())
        assert waiting(db.session()) == []
        current_sender().start()
        assert "mail" not in [thread.name for thread in threading.enumerate()]


def test_the_thread_sends_what_its_process_and_others_queue(
    app: Flask, session: Session, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    current_sender().start()
    box.answering.clear()
    queue(session, number=1)
    box.wait(1)
    # While it is busy; within a savepoint of a longer transaction at that.
    with write_transaction(session):
        enqueue(session, "test", TO, {"number": 2})
        with session.begin_nested():
            pass
    box.answering.set()
    assert [message["Subject"] for message in box.wait(2)] == ["Hello 1", "Hello 2"]
    # Another process cannot wake it, so it has to look by itself.
    monkeypatch.setattr(module, "POLL", 0.05)
    current_sender().wake()
    with Session(db.engine) as other, write_transaction(other):
        other.add(Mail(kind="test", recipient=TO, data={"number": 3}, due_at=datetime.now(UTC)))
    box.wait(3)
    current_sender().stop()
    assert "mail" not in [thread.name for thread in threading.enumerate()]
    assert waiting(session) == []


def test_two_senders_at_once_send_each_mail_once(
    app: Flask, session: Session, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "POLL", 0.02)
    with write_transaction(session):
        for number in range(20):
            enqueue(session, "test", TO, {"number": number})
    senders = [Sender(app, {"test": compose}) for _ in range(2)]
    for sender in senders:
        sender.start()
    box.wait(20)
    for sender in senders:
        sender.stop()
    assert sorted(message["Subject"] for message in box.messages) == sorted(
        f"Hello {number}" for number in range(20)
    )
    assert waiting(session) == []


@pytest.mark.parametrize("call", ["send", "delete"])
def test_a_mail_is_sent_again_after_a_crash(
    app: Flask, session: Session, box: Mailbox, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def crash(*args: object) -> None:
        raise CrashError

    queue(session)
    with monkeypatch.context() as patch:
        patch.setattr(module, call, crash)
        with pytest.raises(CrashError):
            deliver(app)
    sent = len(box.messages)
    # Until its lease has passed it is nobody else's.
    assert deliver(app) == 0
    (mail,) = waiting(session)
    assert mail.due_at - datetime.now(UTC) <= module.LEASE
    make_due(session)
    assert deliver(app) == 1
    assert len(box.messages) == sent + 1
    assert waiting(session) == []


def test_a_mail_is_tried_again_while_the_server_is_away_and_given_up_at_last(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with mailbox() as box:
        app = make_app(tmp_path, database_url, PACKSLIP_SMTP_URL=box.url)
        module.init_app(app, {"test": compose})
    with app.app_context():
        session = db.session()
        queue(session)
        waits = []
        for _ in range(8):
            assert deliver(app) == 0
            (mail,) = waiting(session)
            waits.append(round((mail.due_at - datetime.now(UTC)).total_seconds(), -1))
            make_due(session)
        assert waits == sorted(waits)
        assert (waits[0], waits[-1]) == (30, module.LONGEST_WAIT.total_seconds())
        with mailbox(box.port) as again:
            assert deliver(app) == 1
            assert len(again.messages) == 1

        queue(session)
        deliver(app)
        old = datetime.now(UTC) - module.PATIENCE
        with write_transaction(session):
            session.execute(update(Mail).values(due_at=old, created_at=old))
        deliver(app)
        assert waiting(session) == []
    log = capsys.readouterr().err
    assert "Connection refused" in log
    assert "a mail was given up" in log
    assert TO not in log


@pytest.mark.parametrize(
    ("where", "answer", "kept"),
    [
        ("refuse_recipient", f"550 no {TO} here", False),
        ("refuse_recipient", f"450 {TO} later", True),
        ("refuse_text", f"554 we do not like {TO}", False),
        ("refuse_text", "451 later", True),
    ],
)
def test_a_refusal_for_good_is_believed(
    app: Flask,
    session: Session,
    box: Mailbox,
    capsys: pytest.CaptureFixture[str],
    where: str,
    answer: str,
    kept: bool,
) -> None:
    queue(session)
    setattr(box, where, answer)
    assert deliver(app) == 0
    assert bool(waiting(session)) == kept
    log = capsys.readouterr().err
    assert answer[:3] in log
    assert TO not in log


def test_a_mail_that_is_not_needed_any_more_goes(
    app: Flask, session: Session, box: Mailbox
) -> None:
    queue(session, silent=True)
    assert deliver(app) == 0
    assert (waiting(session), box.messages) == ([], [])


def test_a_mail_that_cannot_be_written_does_not_stop_the_others(
    app: Flask, session: Session, box: Mailbox
) -> None:
    queue(session, kind="unknown")
    queue(session, number=2)
    assert deliver(app) == 1
    (mail,) = waiting(session)
    assert (mail.kind, mail.attempts) == ("unknown", 1)
    assert mail.due_at > datetime.now(UTC)
