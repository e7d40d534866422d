"""What users are told by mail about their second factors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.app import make_app
from tests.helpers.mail import Mailbox, deliver, mailbox, text_of
from tests.helpers.second_factors import add_authenticator

from packslip.accounts import factor_operations, mails
from packslip.accounts.factor_operations import FactorChange
from packslip.accounts.models import User
from packslip.db import db, write_transaction


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mailbox() as box:
        yield box


@pytest.fixture
def app(box: Mailbox, database_url: str, tmp_path: Path) -> Iterator[Flask]:
    app = make_app(tmp_path, database_url, PACKSLIP_SMTP_URL=box.url)
    with app.app_context():
        yield app


def told(app: Flask, box: Mailbox) -> list[str]:
    """The texts of the mails that were sent since the last call."""
    count = deliver(app)
    return [text_of(message).replace("\n", " ") for message in box.messages[-count:] if count]


def test_each_change_is_told_once(app: Flask, box: Mailbox) -> None:
    session: Session = db.session()
    user: User = make_user(session)
    _, codes = add_authenticator(session, user)
    assert ["An authenticator was added to the account ada" in text for text in told(app, box)] == [
        True
    ]
    with write_transaction(session):
        factor_operations.check_code(session, ACTOR, user, codes[0])
    assert ["recovery code was used" in text for text in told(app, box)] == [True]
    with write_transaction(session):
        factor_operations.remove_second_factors(session, ACTOR, user)
    assert ["All second factors were removed" in text for text in told(app, box)] == [True]
    with write_transaction(session):
        factor_operations.remove_second_factors(session, ACTOR, user)
    assert told(app, box) == []


def test_each_change_has_words() -> None:
    assert set(mails._FACTOR_CHANGES) == set(FactorChange)
