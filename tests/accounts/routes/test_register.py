from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.app import make_app
from tests.helpers.browsing import Browser
from werkzeug.test import TestResponse

from packslip.accounts import queries
from packslip.accounts.invitations import create_invitation
from packslip.accounts.models import Invitation, LoginSession, Role, User
from packslip.accounts.passwords import verify_password
from packslip.accounts.routes import register
from packslip.db import db, write_transaction
from packslip.events.models import Event

PAGE = "/account/register"
FORM = {
    "username": "Ada",
    "name": "Ada Lovelace",
    "email": "ada@example.com",
    "password": "correct horse battery",
}


def site(app: Flask, registration: str, **settings: str) -> Browser:
    """A browser on the same data, with other settings."""
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    folder = Path(app.instance_path)
    return Browser(make_app(folder, url, PACKSLIP_REGISTRATION=registration, **settings))


def invite(session: Session, **values: object) -> tuple[Invitation, str]:
    with write_transaction(session):
        return create_invitation(session, ACTOR, **values)  # type: ignore[arg-type]


def test_registering_makes_a_user_who_is_logged_in(app: Flask, session: Session) -> None:
    browser = site(app, "open")
    answer = browser.submit(PAGE, **FORM)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    user = queries.get_user(session, "ada")
    assert (user.name, user.email, user.role) == ("Ada Lovelace", "ada@example.com", Role.MEMBER)
    assert verify_password(user.hashed_password, FORM["password"])
    assert user.last_login is not None
    assert user.email_confirmed_at is None
    assert session.scalars(select(LoginSession)).one().user_id == user.id
    event = session.scalars(select(Event)).one()
    assert (event.action, event.actor_id, event.subject_id) == ("user.register", user.id, user.id)
    assert event.ip_address == "127.0.0.1"
    assert "Welcome, Ada Lovelace." in browser.get("/").text
    assert browser.get(PAGE).headers["Location"] == "/"


def test_everything_that_is_wrong_is_shown_at_its_field(app: Flask, session: Session) -> None:
    wrong = {"username": "a b", "name": "x" * 201, "email": "ada", "password": "password1234"}
    answer = site(app, "open").submit(PAGE, **wrong)
    assert answer.status_code == 400
    for name in wrong:
        assert f'<a href="#{name}">' in answer.text
        assert f'id="{name}-fault"' in answer.text
    assert 'value="a b"' in answer.text
    assert "password1234" not in answer.text
    assert queries.list_users(session) == []


def test_a_password_made_of_ones_own_name_is_refused(app: Flask) -> None:
    answer = site(app, "open").submit(PAGE, **FORM | {"password": "adalovelace1"})
    assert answer.status_code == 400
    assert "easy to guess" in answer.text


@pytest.mark.parametrize(
    ("taken", "field"),
    [({"username": "ada", "email": "x@example.com"}, "username"), ({"username": "bob"}, "email")],
)
def test_a_taken_name_or_address_is_told_at_its_field(
    app: Flask, session: Session, taken: dict[str, str], field: str
) -> None:
    make_user(session, **{"email": "Ada@Example.com"} | taken)  # type: ignore[arg-type]
    answer = site(app, "open").submit(PAGE, **FORM)
    assert answer.status_code == 400
    assert f'id="{field}-fault"' in answer.text
    assert len(queries.list_users(session)) == 1


@pytest.mark.parametrize("registration", ["invite", "closed"])
def test_without_an_invitation_one_is_told_whom_to_ask(app: Flask, registration: str) -> None:
    for contact in ("", "the help desk, room 7"):
        browser = site(app, registration, PACKSLIP_CONTACT=contact)
        page = browser.get(PAGE)
        assert page.status_code == 403
        assert (contact or "an admin of this index") in page.text
        assert "<form" not in page.text.partition("<main")[2]
        token = browser.get("/account/login").text.split('name="csrf_token" value="')[1]
        sent = browser.post(PAGE, FORM | {"csrf_token": token.partition('"')[0]})
        assert sent.status_code == 403


def test_an_invitation_registers_once_and_gives_its_role(app: Flask, session: Session) -> None:
    invitation, secret = invite(session, role=Role.CURATOR, email="ada@example.com")
    page = f"{PAGE}?invitation={secret}"
    browser = site(app, "invite")
    assert 'value="ada@example.com"' in browser.get(page).text
    assert browser.submit(page, **FORM | {"password": "short"}).status_code == 400
    assert browser.submit(page, **FORM).status_code == 303
    session.rollback()
    user = queries.get_user(session, "ada")
    assert (user.role, invitation.user) == (Role.CURATOR, user)
    # The invitation reached that address.
    assert user.email_confirmed_at is not None
    again = site(app, "invite").get(page)
    assert again.status_code == 404
    assert "was used, has expired or was withdrawn" in again.text
    event = session.scalars(select(Event).where(Event.action == "user.register")).one()
    assert event.data["invitation_id"] == invitation.id


def test_an_invitation_does_not_open_what_is_closed(app: Flask, session: Session) -> None:
    _, secret = invite(session)
    assert site(app, "closed").get(f"{PAGE}?invitation={secret}").status_code == 403


def test_a_wrong_invitation_is_told_even_where_none_is_needed(app: Flask) -> None:
    for registration in ("open", "invite"):
        assert site(app, registration).get(f"{PAGE}?invitation=x").status_code == 404


def register_at_once(
    app: Flask, monkeypatch: pytest.MonkeyPatch, page: str, forms: list[dict[str, str]]
) -> list[TestResponse]:
    """Send the forms so that all are found faultless before any user is made."""
    barrier, hash_password = Barrier(len(forms)), register.hash_password

    def hash_and_wait(password: str, *known: str) -> str:
        hashed_password = hash_password(password, *known)
        barrier.wait(20)
        return hashed_password

    monkeypatch.setattr(register, "hash_password", hash_and_wait)
    db.session.remove()
    browsers = [site(app, "open") for _ in forms]
    with ThreadPoolExecutor(len(forms)) as pool:
        answers = pool.map(lambda browser, form: browser.submit(page, **form), browsers, forms)
        return sorted(answers, key=lambda answer: answer.status_code)


def test_of_two_who_want_a_name_at_once_one_gets_it(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    forms = [FORM | {"email": f"{name}@example.com"} for name in ("ada", "adele")]
    winner, loser = register_at_once(app, monkeypatch, PAGE, forms)
    assert (winner.status_code, loser.status_code) == (303, 400)
    assert "is taken" in loser.text
    assert 'id="username-fault"' in loser.text


def test_of_two_who_use_an_invitation_at_once_one_comes_in(
    app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, secret = invite(session)
    forms = [FORM | {"username": name, "email": f"{name}@example.com"} for name in ("ada", "eve")]
    answers = register_at_once(app, monkeypatch, f"{PAGE}?invitation={secret}", forms)
    assert [answer.status_code for answer in answers] == [303, 404]
    assert len(db.session.scalars(select(User)).all()) == 1
