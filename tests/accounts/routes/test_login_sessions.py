"""The page that shows where a user is logged in."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.browsing import Browser

from packslip.accounts.login_sessions import start_login_session
from packslip.accounts.models import LoginSession, User
from packslip.db import write_transaction
from packslip.events.models import Event

PAGE = "/account/sessions/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def user(session: Session) -> User:
    return make_user(session)


@pytest.fixture
def browser(app: Flask, user: User) -> Browser:
    browser = Browser(app)
    browser.log_in_as(user.id)
    return browser


def log_in_elsewhere(session: Session, user: User) -> int:
    with write_transaction(session):
        start_login_session(session, user, ip_address="192.0.2.7", user_agent=FIREFOX)
        return max(session.scalars(select(LoginSession.id)))


def ids(session: Session) -> set[int]:
    session.rollback()
    return set(session.scalars(select(LoginSession.id)))


def revocations(session: Session) -> list[Event]:
    return list(session.scalars(select(Event).where(Event.action == "session.revoke")))


def test_each_session_is_listed_with_device_and_address(
    browser: Browser, session: Session, user: User
) -> None:
    log_in_elsewhere(session, user)
    log_in_elsewhere(session, make_user(session, "bob"))
    answer = browser.get(PAGE)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.text.count("Firefox on Linux</h2>") == 1
    assert answer.text.count("192.0.2.7") == 1
    assert answer.text.index("this browser") < answer.text.index("192.0.2.7")


def test_another_session_is_ended(browser: Browser, session: Session, user: User) -> None:
    (here,) = ids(session)
    other = log_in_elsewhere(session, user)
    answer = browser.submit(PAGE, f"{PAGE}{other}/revoke")
    assert (answer.status_code, answer.location) == (303, PAGE)
    assert ids(session) == {here}
    (event,) = revocations(session)
    assert (event.subject_id, event.data["session_id"]) == (user.id, other)
    assert browser.get(PAGE).status_code == 200


def test_everywhere_else(browser: Browser, session: Session, user: User) -> None:
    (here,) = ids(session)
    mine = {log_in_elsewhere(session, user) for _ in range(2)}
    bobs = log_in_elsewhere(session, make_user(session, "bob"))
    browser.submit(PAGE, f"{PAGE}revoke-others")
    assert ids(session) == {here, bobs}
    (event,) = revocations(session)
    assert {told["session_id"] for told in event.data["sessions"]} == mine


def test_everywhere_ends_this_one_too(browser: Browser, session: Session, user: User) -> None:
    log_in_elsewhere(session, user)
    bobs = log_in_elsewhere(session, make_user(session, "bob"))
    answer = browser.submit(PAGE, f"{PAGE}revoke-all")
    assert (answer.status_code, answer.location) == (303, "/account/login")
    assert ids(session) == {bobs}
    assert "You are logged out everywhere." in browser.get("/account/login").text


def test_this_session_can_be_ended_by_its_number(browser: Browser, session: Session) -> None:
    (here,) = ids(session)
    data = {"csrf_token": csrf(browser)}
    answer = browser.post(f"{PAGE}{here}/revoke", data)
    assert answer.location == "/account/login"
    assert ids(session) == set()


def test_somebody_elses_session_is_not_there(browser: Browser, session: Session) -> None:
    bobs = log_in_elsewhere(session, make_user(session, "bob"))
    before = ids(session)
    for number in (bobs, 12345, 2**63, 10**30):
        data = {"csrf_token": csrf(browser)}
        assert browser.post(f"{PAGE}{number}/revoke", data).status_code == 404
    assert ids(session) == before


def csrf(browser: Browser) -> str:
    return browser.get(PAGE).text.split('name="csrf_token" value="')[1].split('"')[0]


def test_what_a_browser_calls_itself_is_text(
    browser: Browser, session: Session, user: User
) -> None:
    with write_transaction(session):
        start_login_session(session, user, ip_address=None, user_agent="<b>curl</b>")
    assert "&lt;b&gt;curl&lt;/b&gt;" in browser.get(PAGE).text
