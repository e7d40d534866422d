"""Confirming e-mail addresses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.app import make_app
from tests.helpers.browsing import Browser
from tests.helpers.mail import Mailbox, deliver, link_in, mailbox

from packslip.accounts.email_addresses import ask_confirmation, change_email
from packslip.accounts.models import AccountLink, User
from packslip.db import db, write_transaction
from packslip.events.models import Event


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
def ada(app: Flask) -> User:
    return make_user(db.session())


def asked(app: Flask, user: User, box: Mailbox) -> str:
    """The path of the link in a new mail."""
    with write_transaction(db.session()) as session:
        ask_confirmation(session, ACTOR, user)
    assert deliver(app) == 1
    return link_in(box.messages[-1])


def is_confirmed(session: Session, user: User) -> bool:
    session.rollback()
    return user.email_confirmed_at is not None


def test_looking_at_the_link_confirms_nothing_and_its_button_does(
    app: Flask, ada: User, box: Mailbox
) -> None:
    session = db.session()
    first, link = asked(app, ada, box), asked(app, ada, box)
    browser = Browser(app)
    for method in ("GET", "HEAD"):
        assert browser.client.open(link, method=method).status_code == 200
    assert not is_confirmed(session, ada)
    answer = browser.submit(link)
    assert answer.status_code == 303
    assert is_confirmed(session, ada)
    event = session.scalars(select(Event).order_by(Event.id.desc())).first()
    assert event is not None
    assert (event.action, event.subject_id) == ("user.confirm-email", ada.id)
    for dead in (link, first):
        again = browser.get(dead)
        assert again.status_code == 404
        assert "was used already" in again.text
    assert session.scalars(select(AccountLink)).all() == []


def test_a_link_does_not_confirm_another_address(app: Flask, ada: User, box: Mailbox) -> None:
    link = asked(app, ada, box)
    with write_transaction(db.session()) as session:
        change_email(session, ACTOR, ada, "other@example.com")
    assert Browser(app).get(link).status_code == 404


def test_a_mail_that_waited_is_not_sent_for_an_address_that_changed(
    app: Flask, ada: User, box: Mailbox
) -> None:
    with write_transaction(db.session()) as session:
        ask_confirmation(session, ACTOR, ada)
        ada.email = "other@example.com"
    assert deliver(app) == 0


def test_who_has_confirmed_or_has_no_address_is_not_asked(app: Flask, box: Mailbox) -> None:
    session = db.session()
    for user in (
        make_user(session, "bob", email_confirmed=True),
        make_user(session, "carol", email=None),
    ):
        with write_transaction(session):
            ask_confirmation(session, ACTOR, user)
    assert deliver(app) == 0
