from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.app import make_app
from tests.helpers.browsing import Browser
from tests.helpers.databases import SQLiteDatabases

from packslip.accounts import login_flow
from packslip.accounts.models import LoginSession, User
from packslip.accounts.passwords import hash_password
from packslip.db import db, write_transaction
from packslip.events.models import Event

PASSWORD = "correct horse battery"
PAGE = "/account/login"


@pytest.fixture
def ada(session: Session) -> User:
    return make_user(session, "ada", hashed_password=hash_password(PASSWORD))


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(app)


@pytest.mark.parametrize("name", ["ada", "Ada", "ada@example.com"])
def test_logging_in_is_written_down_and_goes_on(
    browser: Browser, session: Session, ada: User, name: str
) -> None:
    answer = browser.submit(f"{PAGE}?next=/project/demo/%3Fa=1", username=name, password=PASSWORD)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/project/demo/?a=1")
    session.rollback()
    assert ada.last_login is not None
    assert session.scalars(select(LoginSession)).one().user_id == ada.id
    event = session.scalars(select(Event).order_by(Event.id.desc())).first()
    assert event is not None
    assert (event.action, event.subject_id) == ("user.log-in", ada.id)
    assert "ada</a>" in browser.get(PAGE, follow_redirects=True).text


def test_a_session_is_new_with_each_log_in_and_dead_after_the_log_out(
    app: Flask, browser: Browser, ada: User
) -> None:
    def cookie() -> str:
        kept = browser.client.get_cookie("packslip_session")
        assert kept is not None
        return kept.value

    browser.get(PAGE)
    planted = cookie()
    browser.submit(PAGE, username="ada", password=PASSWORD)
    first = cookie()
    stale = Browser(app)
    stale.client.set_cookie("packslip_session", first)
    assert stale.get("/account/").status_code == 200
    browser.submit("/account/logout")
    browser.submit(PAGE, username="ada", password=PASSWORD)
    assert len({planted, first, cookie()}) == 3
    for dead in (planted, first):
        stale.client.set_cookie("packslip_session", dead)
        assert stale.get("/account/").status_code == 303


@pytest.mark.parametrize("name", ["ada", "nobody", "gone"])
def test_a_wrong_log_in_says_the_same_whatever_is_wrong(
    browser: Browser, session: Session, ada: User, name: str
) -> None:
    gone = make_user(session, "gone", hashed_password=hash_password(PASSWORD))
    with write_transaction(session):
        gone.disabled_at = datetime.now(UTC)
    password = "a wrong password" if name == "ada" else PASSWORD
    answer = browser.submit(PAGE, username=name, password=password)
    assert answer.status_code == 403
    assert "The name or the password is wrong." in answer.text
    assert f'value="{name}"' in answer.text
    assert password not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_an_empty_form_is_shown_again(browser: Browser, ada: User) -> None:
    answer = browser.submit(PAGE, username="ada", password="")
    assert answer.status_code == 400
    assert "Enter your password." in answer.text
    assert 'value="ada"' in answer.text


def test_who_failed_too_often_is_told_to_wait_on_the_page(browser: Browser, ada: User) -> None:
    for _ in range(10):
        assert browser.submit(PAGE, username="ada", password="x").status_code == 403
    answer = browser.submit(PAGE, username="ada", password=PASSWORD)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "5"
    assert "Too many attempts failed. Try again in 5 seconds." in answer.text
    assert 'name="password"' in answer.text


def test_who_is_logged_in_goes_straight_on(browser: Browser, ada: User) -> None:
    browser.log_in_as(ada.id)
    assert browser.get(f"{PAGE}?next=/project/demo/").headers["Location"] == "/project/demo/"
    assert browser.get(f"{PAGE}?next=//evil.example.com").headers["Location"] == "/"


@pytest.mark.parametrize("change", ["disabled", "password", "gone"])
def test_what_happens_in_the_very_moment_of_logging_in_counts(
    browser: Browser, session: Session, ada: User, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    user_id, has_second_factor = ada.id, login_flow.has_second_factor

    def change_meanwhile(session: Session, user: User) -> bool:
        asked = has_second_factor(session, user)
        with Session(db.engine) as other, write_transaction(other):
            found = other.get_one(User, user_id)
            if change == "disabled":
                found.disabled_at = datetime.now(UTC)
            elif change == "password":
                found.hashed_password = hash_password("quite another password")
            else:
                other.delete(found)
        return asked

    monkeypatch.setattr(login_flow, "has_second_factor", change_meanwhile)
    answer = browser.submit(PAGE, username="ada", password=PASSWORD)
    assert answer.status_code == 403
    session.rollback()
    assert session.scalars(select(LoginSession)).all() == []


@pytest.fixture
def sites(tmp_path: Path, sqlite_databases: SQLiteDatabases) -> dict[str, Browser]:
    url = sqlite_databases.create(tmp_path)
    return {
        word: Browser(make_app(tmp_path, url, PACKSLIP_REGISTRATION=word))
        for word in ("open", "invite", "closed")
    }


def test_registering_is_offered_where_everybody_may(sites: dict[str, Browser]) -> None:
    for word, browser in sites.items():
        page = browser.get(PAGE).text
        # In the head of each page, and under the form.
        assert page.count('href="/account/register"') == (2 if word == "open" else 0)
        assert 'href="/account/reset"' in page
