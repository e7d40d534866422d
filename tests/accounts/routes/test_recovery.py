"""Getting back into an account by mail, or by a link that an admin made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.app import make_app
from tests.helpers.browsing import Browser
from tests.helpers.mail import Mailbox, deliver, link_in, mailbox, text_of

from packslip.accounts.commands import user_commands
from packslip.accounts.models import AccountLink, LoginSession, Throttle, User
from packslip.accounts.passwords import hash_password, verify_password
from packslip.db import db, write_transaction
from packslip.events.models import Event
from packslip.mail.models import Mail

OLD, NEW = "the old password", "a new password here"


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mailbox() as box:
        yield box


@pytest.fixture
def app(box: Mailbox, database_url: str, tmp_path: Path) -> Iterator[Flask]:
    app = make_app(tmp_path, database_url, PACKSLIP_SMTP_URL=box.url, PACKSLIP_CONTACT="the desk")
    with app.app_context():
        yield app


@pytest.fixture
def session(app: Flask) -> Session:
    return db.session()


@pytest.fixture
def ada(session: Session) -> User:
    return make_user(session, hashed_password=hash_password(OLD), email_confirmed=True)


def actions(session: Session) -> list[str]:
    session.rollback()
    return list(session.scalars(select(Event.action).order_by(Event.id)))


def change(session: Session, user: User, **values: object) -> None:
    with write_transaction(session):
        for name, value in values.items():
            setattr(user, name, value)


def ask(app: Flask, email: str = "ada@example.com") -> None:
    assert Browser(app).submit("/account/reset", email=email).status_code == 303


def test_a_user_sets_a_new_password_by_mail(
    app: Flask, session: Session, ada: User, box: Mailbox
) -> None:
    thief, browser = Browser(app), Browser(app)
    thief.log_in_as(ada.id)
    answer = browser.submit("/account/reset", email=" ADA@example.com ")
    assert (answer.status_code, answer.location) == (303, "/account/reset/sent")
    assert deliver(app) == 1

    message = box.messages[0]
    assert message["X-To"] == "ada@example.com"
    assert message["Subject"] == "[packages.example.com] Set a new password"
    words = " ".join(text_of(message).split())
    assert "the account ada on packages.example.com, from the address 127.0.0.1, at 20" in words
    assert words.count("http") == 1
    link = link_in(message)
    page = browser.get(link)
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "same-origin"
    answer = browser.submit(link, password=NEW)
    assert (answer.status_code, answer.location) == (303, "/account/login")

    session.rollback()
    assert verify_password(ada.hashed_password, NEW)
    assert session.scalars(select(LoginSession)).all() == []
    assert thief.get("/account/profile").location.startswith("/account/login")
    assert deliver(app) == 1
    assert "Your password was changed" in box.messages[1]["Subject"]
    assert actions(session)[1:] == ["user.ask-reset", "user.reset-password"]
    # Neither the log of events nor a later mail knows the link.
    secret = link.rpartition("/")[2]
    assert secret not in text_of(box.messages[1])
    assert secret not in str([event.data for event in session.scalars(select(Event))])

    again = browser.get(link)
    assert again.status_code == 404
    assert "was used already" in again.text
    assert 'href="/account/reset"' in again.text
    assert browser.post(link).status_code == 400
    assert browser.submit("/account/login", username="ada", password=NEW).status_code == 303


def test_every_address_gets_the_same_answer_and_the_same_work(
    app: Flask, session: Session, ada: User, box: Mailbox
) -> None:
    confirmed = ada.email_confirmed_at
    make_user(session, "bob")
    change(session, make_user(session, "eve", email_confirmed=True), disabled_at=confirmed)
    answers = set()
    for email in ("ada@example.com", "bob@example.com", "eve@example.com", "x@example.com"):
        browser = Browser(app)
        answer = browser.submit("/account/reset", email=email)
        page = re.sub(r'name="csrf_token" value="[^"]+"', "", browser.get(answer.location).text)
        answers.add((answer.status_code, answer.text, page))
        session.rollback()
        mail = session.scalars(select(Mail).order_by(Mail.id.desc())).first()
        assert mail is not None
        assert (mail.kind, mail.recipient) == ("recovery", email)
    assert len(answers) == 1
    # What tells them apart happens later, where nobody sees it.
    assert deliver(app) == 1
    assert box.subjects == ["ada@example.com: [packages.example.com] Set a new password"]
    session.rollback()
    assert session.scalars(select(Mail)).all() == []


@pytest.mark.parametrize(
    "email", ["", "ada", "a\nBcc: b@example.com", "a\0@example.com", "a@" + "b" * 400]
)
def test_what_is_no_address_is_said(app: Flask, session: Session, email: str) -> None:
    answer = Browser(app).submit("/account/reset", email=email)
    assert answer.status_code == 400
    assert session.scalars(select(Mail)).all() == []


def test_asking_is_limited_by_client_address_for_all_addresses_alike(
    app: Flask, session: Session, ada: User
) -> None:
    browser = Browser(app)
    for number in range(5):
        assert browser.submit("/account/reset", email=f"{number}@example.com").status_code == 303
    for email in ("ada@example.com", "x@example.com"):
        answer = browser.submit("/account/reset", email=email)
        assert answer.status_code == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 15 * 60
    other = {"REMOTE_ADDR": "2001:db8::1"}
    page = browser.get("/account/reset")
    token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
    data = {"csrf_token": token, "email": "ada@example.com"}
    assert browser.post("/account/reset", data, environ_base=other).status_code == 303
    session.rollback()
    assert session.query(Mail).count() == 6
    with write_transaction(session):
        past = datetime.now(UTC) - timedelta(minutes=16)
        session.execute(update(Throttle).values(blocked_until=past))
    ask(app)


def test_one_mailbox_gets_a_few_mails_whoever_asks(
    app: Flask, session: Session, ada: User, box: Mailbox
) -> None:
    with write_transaction(session):
        for number in range(8):
            data = {"address": f"192.0.2.{number}"}
            session.add(
                Mail(
                    kind="recovery",
                    recipient="ada@example.com",
                    data=data,
                    due_at=datetime.now(UTC),
                )
            )
    assert deliver(app) == 5


def test_the_link_of_a_mail_confirms_its_address_and_a_link_by_hand_does_not(
    app: Flask, session: Session, ada: User, box: Mailbox
) -> None:
    ask(app)
    deliver(app)
    change(session, ada, email_confirmed_at=None)
    Browser(app).submit(link_in(box.messages[0]), password=NEW)
    session.rollback()
    assert ada.email_confirmed_at is not None
    assert "user.confirm-email" in actions(session)

    change(session, ada, email_confirmed_at=None)
    result = app.test_cli_runner().invoke(user_commands, ["reset-password", "ADA"])
    assert result.exit_code == 0, result.output
    link = re.fullmatch(r"http://packages\.example\.com(/account/reset/[\w-]{43})\n", result.stdout)
    assert link
    assert Browser(app).submit(link[1], password="one more password").status_code == 303
    session.rollback()
    assert verify_password(ada.hashed_password, "one more password")
    assert ada.email_confirmed_at is None


def test_a_faulty_password_can_be_corrected(
    app: Flask, session: Session, ada: User, box: Mailbox
) -> None:
    ask(app)
    deliver(app)
    link = link_in(box.messages[0])
    browser = Browser(app)
    answer = browser.submit(link, password="short")
    assert answer.status_code == 400
    assert "12 to 256" in answer.text
    assert 'value="short"' not in answer.text
    assert browser.submit(link, password=NEW).status_code == 303


def test_a_second_factor_is_still_asked_for(
    app: Flask, session: Session, ada: User, box: Mailbox
) -> None:
    change(session, ada, totp_confirmed_at=datetime.now(UTC), totp_secret="sealed")
    ask(app)
    deliver(app)
    browser = Browser(app)
    browser.submit(link_in(box.messages[0]), password=NEW)
    session.rollback()
    assert (ada.totp_secret is not None, session.query(LoginSession).count()) == (True, 0)


@pytest.mark.parametrize("contact", ["", "the <desk>"])
def test_without_mail_the_page_says_whom_to_ask(
    database_url: str, tmp_path: Path, contact: str
) -> None:
    app = make_app(tmp_path, database_url, PACKSLIP_CONTACT=contact)
    with app.app_context():
        make_user(db.session(), email_confirmed=True)
        browser = Browser(app)
        page = browser.get("/account/reset").text
        assert ("the &lt;desk&gt;" if contact else "an admin of this index") in page
        assert "packslip user reset-password NAME" in page
        token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
        browser.post("/account/reset", {"email": "ada@example.com", "csrf_token": token})
        assert db.session().scalars(select(Mail)).all() == []
        assert db.session().scalars(select(AccountLink)).all() == []


def test_a_bug_while_a_link_is_used_does_not_put_it_into_the_log(
    app: Flask, ada: User, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("packslip.accounts.routes.recovery.get_link", fail)
    app.testing = False
    assert Browser(app).get("/account/reset/SECRET").status_code == 500
    log = capsys.readouterr().err
    assert "ZeroDivisionError" in log
    assert "SECRET" not in log
