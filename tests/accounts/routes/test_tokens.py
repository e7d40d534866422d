"""The page of a user's tokens."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_token, make_user
from tests.helpers.app import make_app
from tests.helpers.browsing import Browser
from werkzeug.test import TestResponse

from packslip.accounts import operations, queries
from packslip.accounts.models import LoginSession, Token, User
from packslip.accounts.routes import tokens
from packslip.accounts.tokens import hash_token
from packslip.db import db, write_transaction
from packslip.events.models import Event
from packslip.events.operations import Actor

PAGE = "/account/tokens/"
FORM = {"name": "laptop", "scope": "upload", "reach": "all", "packages": "", "days": "90"}


@pytest.fixture
def user(session: Session) -> User:
    return make_user(session)


@pytest.fixture
def browser(app: Flask, user: User) -> Browser:
    browser = Browser(app)
    browser.log_in_as(user.id)
    return browser


def create(browser: Browser, **values: str) -> TestResponse:
    return browser.submit(PAGE, **FORM | values)


def secret_of(answer: TestResponse) -> str:
    match = re.search(r"packslip_\w{36}", answer.text)
    assert match, answer.text
    return match[0]


def only_token(session: Session) -> Token:
    session.rollback()
    return session.scalars(select(Token)).one()


def test_a_token_is_made_and_its_secret_shown_once(browser: Browser, session: Session) -> None:
    answer = create(browser)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    token, secret = only_token(session), secret_of(answer)
    assert token.hashed_secret == hash_token(secret)
    assert (token.name, token.scope, token.packages) == ("laptop", "upload", None)
    assert token.expires_at is not None
    assert timedelta(days=89) < token.expires_at - datetime.now(UTC) <= timedelta(days=90)
    page = browser.get(PAGE).text
    assert "laptop" in page
    assert secret not in page
    event = session.scalars(select(Event).where(Event.action == "token.create")).one()
    assert (event.actor_name, event.ip_address) == ("ada", "127.0.0.1")


def test_names_of_packages_are_normalised_and_need_not_exist(
    browser: Browser, session: Session
) -> None:
    create(browser, reach="some", packages="My.Pkg, other,my_pkg ,", scope="read", days="0")
    token = only_token(session)
    assert (token.packages, token.scope, token.expires_at) == (["my-pkg", "other"], "read", None)


FAULTY = [
    {"name": " "},
    {"name": "a" * 101},
    {"name": "two\nlines"},
    {"scope": "admin"},
    {"scope": ""},
    {"reach": "some"},
    {"reach": "some", "packages": " , "},
    {"reach": "all", "packages": "demo"},
    {"reach": ""},
    {"reach": "some", "packages": "demo, a b"},
    {"reach": "some", "packages": ",".join(f"p{n}" for n in range(101))},
    {"days": "100000"},
    {"days": "-1"},
    {"days": "x"},
]


def test_what_is_faulty_makes_no_token(browser: Browser, session: Session) -> None:
    data = FORM | {"csrf_token": csrf(browser)}
    for values in FAULTY:
        answer = browser.post(PAGE, data | values)
        assert answer.status_code == 400, values
        assert 'role="alert"' in answer.text, values
        session.rollback()
        assert session.scalars(select(Token)).all() == [], values


def test_a_form_with_faults_keeps_what_was_typed(browser: Browser) -> None:
    page = create(browser, reach="some", packages="no such/name", scope="read").text
    assert "&#39;no such/name&#39; is not a valid package name." in page
    assert 'value="no such/name"' in page
    assert re.search(r'<input checked[^>]*value="read"', page)


def test_addresses_come_from_the_settings(browser: Browser) -> None:
    data = FORM | {"csrf_token": csrf(browser)}
    answer = browser.post(PAGE, data, headers={"X-Forwarded-Host": "evil.example.com"})
    assert "repository = http://packages.example.com/legacy/" in answer.text
    for other in ("evil.example.com", "localhost"):
        assert other not in answer.text


def csrf(browser: Browser) -> str:
    return browser.get(PAGE).text.split('name="csrf_token" value="')[1].split('"')[0]


def test_no_text_has_the_token_in_an_address(tmp_path: Path, database_url: str) -> None:
    app = make_app(tmp_path, database_url, PACKSLIP_READ="members")
    with app.app_context():
        browser = Browser(app)
        browser.log_in_as(make_user(db.session()).id)
        for scope in ("read", "upload"):
            answer = create(browser, scope=scope)
            secret = secret_of(answer)
            assert f"password {secret}" in answer.text
            assert not re.search(rf"//[^\s/]*{secret}", answer.text)
            assert ("UV_PUBLISH_TOKEN" in answer.text) == (scope == "upload")


def test_there_is_a_limit_to_how_many_are_valid(
    browser: Browser, session: Session, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "MAX_TOKENS", 2)
    make_token(session, make_user(session, "bob"))
    revoked, _ = make_token(session, user)
    with write_transaction(session):
        operations.revoke_token(session, ACTOR, revoked)
    first, _ = make_token(session, user)
    assert create(browser).status_code == 200
    answer = create(browser)
    assert answer.status_code == 400
    assert "A user may have 2 valid tokens." in answer.text
    with write_transaction(session):
        first.expires_at = datetime.now(UTC)
    assert create(browser).status_code == 200


def test_a_token_is_revoked(browser: Browser, session: Session, user: User) -> None:
    token, secret = make_token(session, user, name="laptop")
    path = f"{PAGE}{token.id}/revoke"
    answer = browser.submit(PAGE, path)
    assert (answer.status_code, answer.location) == (303, PAGE)
    session.rollback()
    assert queries.find_token(session, secret) is None
    page = browser.get(PAGE).text
    assert "Revoked and expired (1)" in page
    assert path not in page


def test_somebody_elses_token_is_not_there(browser: Browser, session: Session, user: User) -> None:
    token, secret = make_token(session, make_user(session, "bob"), name="of bob")
    make_token(session, user)
    assert "of bob" not in browser.get(PAGE).text
    texts = set()
    for number in (token.id, 12345, 2**63, 10**30):
        data = {"csrf_token": csrf(browser)}
        answer = browser.post(f"{PAGE}{number}/revoke", data)
        assert answer.status_code == 404
        # A form's token and the request's name are others each time.
        told = re.sub(r'value="[^"]*"|<code>[0-9a-f]{16}</code>', "", answer.text)
        texts.add(told.replace(f"token {number}", "token N"))
    assert len(texts) == 1
    session.rollback()
    assert queries.find_token(session, secret) is token


def test_who_was_logged_out_meanwhile_makes_no_token(
    browser: Browser, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = FORM | {"csrf_token": csrf(browser)}
    actor_of = tokens.current_actor

    # Between the check at the door and the transaction.
    def end_session_first() -> Actor:
        actor = actor_of()
        with write_transaction(db.session()) as inner:
            inner.delete(inner.scalars(select(LoginSession)).one())
        return actor

    monkeypatch.setattr(tokens, "current_actor", end_session_first)
    answer = browser.post(PAGE, data)
    assert answer.status_code == 303
    assert "/account/login" in answer.location
    session.rollback()
    assert session.scalars(select(Token)).all() == []


def test_nobody_sees_the_page_without_logging_in(app: Flask) -> None:
    answer = Browser(app).get(PAGE)
    assert (answer.status_code, answer.location) == (303, "/account/login?next=/account/tokens/")


def test_names_are_text(browser: Browser, session: Session, user: User) -> None:
    make_token(session, user, name="<script>alert(1)</script>")
    page = browser.get(PAGE).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
