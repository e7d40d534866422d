"""The profile: name, e-mail address and password."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.app import make_app
from tests.helpers.browsing import Browser
from tests.helpers.mail import Mailbox, deliver, mailbox, text_of

from packslip.accounts.models import LoginSession, User
from packslip.accounts.passwords import hash_password, verify_password
from packslip.db import db, write_transaction
from packslip.events.models import Event

OLD, NEW = "the old password", "a new password here"
PAGE = "/account/profile"


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mailbox() as box:
        yield box


@pytest.fixture
def app(box: Mailbox, database_url: str, tmp_path: Path) -> Iterator[Flask]:
    app = make_app(tmp_path, database_url, PACKSLIP_SMTP_URL=box.url)
    with app.app_context():
        yield app


@pytest.fixture
def session(app: Flask) -> Session:
    return db.session()


@pytest.fixture
def ada(session: Session) -> User:
    return make_user(session, hashed_password=hash_password(OLD), email_confirmed=True)


@pytest.fixture
def browser(app: Flask, ada: User) -> Browser:
    browser = Browser(app)
    browser.log_in_as(ada.id)
    return browser


def last_event(session: Session) -> Event:
    session.rollback()
    return session.scalars(select(Event).order_by(Event.id.desc()).limit(1)).one()


def sessions(session: Session) -> list[str]:
    session.rollback()
    return list(session.scalars(select(LoginSession.hashed_secret)))


def test_the_page_is_for_those_who_are_logged_in(app: Flask) -> None:
    answer = Browser(app).get(PAGE)
    assert (answer.status_code, answer.location) == (303, "/account/login?next=/account/profile")


def test_a_name_is_changed(session: Session, ada: User, browser: Browser) -> None:
    assert browser.submit(PAGE, name="Ada <L.>").status_code == 303
    assert "Ada &lt;L.&gt;" in browser.get(PAGE).text
    event = last_event(session)
    assert (event.action, event.actor_id, event.subject_id) == ("user.change", ada.id, ada.id)
    assert event.data == {"username": "ada", "before": "", "after": "Ada <L.>"}
    assert browser.submit(PAGE, name="two\nlines").status_code == 400


def test_an_address_is_changed_and_the_old_one_told(
    app: Flask, session: Session, ada: User, browser: Browser, box: Mailbox
) -> None:
    answer = browser.submit(PAGE, f"{PAGE}/email", email="New@example.com", current_password=OLD)
    assert answer.status_code == 303
    session.rollback()
    assert (ada.email, ada.email_confirmed_at) == ("new@example.com", None)
    event = last_event(session)
    assert event.action == "user.change-email"
    assert event.data == {
        "username": "ada", "before": "ada@example.com", "after": "new@example.com",
    }  # fmt: skip
    assert deliver(app) == 2
    told = box.wait_for("ada@example.com")
    assert "address was changed" in told["Subject"]
    assert "new@example.com" not in text_of(told)
    assert "/account/confirm/" in text_of(box.wait_for("new@example.com"))
    assert "is not confirmed" in browser.get(PAGE).text


@pytest.mark.parametrize(
    ("email", "password", "status"),
    [
        ("new@example.com", "another password", 403),
        ("new@example.com", "", 400),
        ("BOB@example.com", OLD, 400),
        ("new", OLD, 400),
    ],
)
def test_an_address_that_cannot_be_changed_stays(
    session: Session, ada: User, browser: Browser, email: str, password: str, status: int
) -> None:
    make_user(session, "bob")
    answer = browser.submit(PAGE, f"{PAGE}/email", email=email, current_password=password)
    assert answer.status_code == status
    assert 'aria-invalid="true"' in answer.text or status == 403
    assert f'value="{email}"' in answer.text
    session.rollback()
    assert ada.email == "ada@example.com"


def test_a_password_is_changed_and_other_browsers_are_logged_out(
    app: Flask, session: Session, ada: User, browser: Browser, box: Mailbox
) -> None:
    other = Browser(app)
    other.log_in_as(ada.id)
    before = sessions(session)
    answer = browser.submit(PAGE, f"{PAGE}/password", current_password=OLD, password=NEW)
    assert (answer.status_code, answer.location) == (303, PAGE)
    assert browser.get(PAGE).status_code == 200
    assert other.get(PAGE).status_code == 303
    after = sessions(session)
    assert len(after) == 1
    assert after[0] not in before
    assert verify_password(ada.hashed_password, NEW)
    assert last_event(session).action == "user.set-password"
    assert deliver(app) == 1
    assert "Your password was changed" in box.messages[0]["Subject"]


@pytest.mark.parametrize(
    ("current", "new", "status"), [("wrong one", NEW, 403), (OLD, "short", 400)]
)
def test_a_password_that_cannot_be_changed_stays(
    session: Session, ada: User, browser: Browser, current: str, new: str, status: int
) -> None:
    before = ada.hashed_password
    answer = browser.submit(PAGE, f"{PAGE}/password", current_password=current, password=new)
    assert answer.status_code == status
    assert new not in answer.text
    session.rollback()
    assert ada.hashed_password == before
    assert len(sessions(session)) == 1


def test_a_password_that_changed_while_it_was_checked_changes_nothing(
    app: Flask, session: Session, ada: User, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(password: str, *known: str) -> str:
        with app.app_context(), write_transaction(db.session()) as own:
            own.get_one(User, user_id).hashed_password = "$argon2id$set meanwhile"
        return "$argon2id$mine"

    user_id = ada.id
    monkeypatch.setattr("packslip.accounts.routes.profile.hash_password", meanwhile)
    answer = browser.submit(PAGE, f"{PAGE}/password", current_password=OLD, password=NEW)
    assert answer.status_code == 403
    session.rollback()
    assert ada.hashed_password == "$argon2id$set meanwhile"


@pytest.mark.parametrize("how", ["disabled", "logged out"])
def test_who_is_shut_out_meanwhile_changes_nothing(
    app: Flask,
    session: Session,
    ada: User,
    browser: Browser,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    def meanwhile(password: str, *known: str) -> str:
        with app.app_context(), write_transaction(db.session()) as own:
            if how == "disabled":
                own.get_one(User, user_id).disabled_at = datetime.now(UTC)
            else:
                own.query(LoginSession).delete()
        return "$argon2id$mine"

    user_id, before = ada.id, ada.hashed_password
    monkeypatch.setattr("packslip.accounts.routes.profile.hash_password", meanwhile)
    answer = browser.submit(PAGE, f"{PAGE}/password", current_password=OLD, password=NEW)
    assert (answer.status_code, answer.location) == (303, "/account/login")
    session.rollback()
    assert ada.hashed_password == before


def test_a_confirmation_is_sent_again_but_not_without_end(
    app: Flask, session: Session, ada: User, browser: Browser, box: Mailbox
) -> None:
    with write_transaction(session):
        ada.email_confirmed_at = None
    for _ in range(10):
        assert browser.submit(PAGE, f"{PAGE}/confirmation").status_code == 303
    assert browser.submit(PAGE, f"{PAGE}/confirmation").status_code == 429
    assert deliver(app) == 10


@pytest.mark.parametrize("part", ["email", "password"])
def test_reloading_after_a_fault_leads_back(browser: Browser, part: str) -> None:
    answer = browser.get(f"{PAGE}/{part}")
    assert (answer.status_code, answer.location) == (303, PAGE)
