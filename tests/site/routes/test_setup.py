"""The first set-up on its page, and the first steps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_token, make_user
from tests.helpers.app import make_app
from tests.helpers.browsing import Browser
from werkzeug.test import TestResponse

from packslip.accounts import passwords
from packslip.accounts.models import LoginSession, User
from packslip.accounts.setup import CODE_FILE, WrongSetupCodeError, provide_code
from packslip.db import db, write_transaction
from packslip.downloads.models import Download
from packslip.events.models import Action
from packslip.events.operations import Actor, record

PASSWORD = "correct horse battery"


@pytest.fixture
def new(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """An application that is not set up."""
    app = make_app(tmp_path, database_url, set_up=False)
    with app.app_context():
        yield app


@pytest.fixture
def code(new: Flask, tmp_path: Path) -> str:
    with write_transaction(db.session()) as session:
        return provide_code(session, tmp_path)


def set_up(browser: Browser, code: str, **values: str) -> TestResponse:
    filled_in = {
        "code": code,
        "username": "Ada",
        "name": "Ada L.",
        "email": "ada@example.com",
        "password": PASSWORD,
    }
    return browser.submit("/setup", **{**filled_in, **values})


def users() -> int:
    db.session.rollback()
    return db.session.query(User).count()


def test_the_first_admin_is_logged_in_and_led_to_the_first_steps(
    new: Flask, code: str, tmp_path: Path
) -> None:
    browser = Browser(new)
    answer = set_up(browser, code.lower().replace("-", ""))
    assert (answer.status_code, answer.location) == (303, "/account/first-steps")
    page = browser.get("/account/first-steps")
    assert "you are its admin, ada" in page.text
    assert page.text.count("not yet") == 3
    assert not (tmp_path / CODE_FILE).exists()
    user = db.session.query(User).one()
    assert (user.username, user.name, user.role) == ("ada", "Ada L.", "admin")
    assert user.email_confirmed_at is None
    assert user.last_login is not None
    assert passwords.verify_password(user.hashed_password, PASSWORD)
    assert db.session.query(LoginSession).one().user_id == user.id


def test_once_set_up_the_page_is_gone(new: Flask, code: str) -> None:
    browser, late = Browser(new), Browser(new)
    late.get("/setup")
    token = late.get("/setup").text.split('name="csrf_token" value="')[1].split('"')[0]
    set_up(browser, code)
    for answer in (
        late.get("/setup"),
        late.post("/setup", {"csrf_token": token, "code": code, "username": "eve"}),
    ):
        assert answer.status_code == 404
        assert "is set up already" in answer.text
    assert users() == 1


def test_a_wrong_code_is_answered_before_anything_costly(
    new: Flask, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(password: str) -> str:
        raise AssertionError("a stranger has the server hash")

    monkeypatch.setattr("packslip.site.routes.setup.hash_password", fail)
    for wrong in ("nonsense", f"{code[:-1]}{'0' if code[-1] != '0' else '1'}"):
        answer = set_up(Browser(new), wrong, username="-", password="short")
        assert answer.status_code == 403
        assert WrongSetupCodeError().reason in answer.text
        assert "at most 80 letters" not in answer.text
    assert users() == 0


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"password": "too short"}, "12 to 256 characters"),
        ({"username": "-"}, "at most 80 letters"),
        ({"email": "nowhere"}, "no e-mail address"),
        ({"username": ""}, "Choose a username."),
    ],
)
def test_a_faulty_form_keeps_what_was_typed_but_the_password(
    new: Flask, code: str, values: dict[str, str], expected: str
) -> None:
    answer = set_up(Browser(new), code, **values)
    assert answer.status_code == 400
    assert expected in answer.text
    assert code in answer.text
    assert PASSWORD not in answer.text
    assert users() == 0


def test_without_scripts_the_code_may_stand_in_the_query(new: Flask, code: str) -> None:
    assert f'value="{code}"' in Browser(new).get(f"/setup?code={code}").text
    hostile = Browser(new).get("/setup?code=%22%3E%3Cscript%3E").text
    assert "&#34;&gt;&lt;script&gt;" in hostile


def test_a_forged_form_makes_nobody(new: Flask, code: str) -> None:
    values: dict[str, Any] = {
        "code": code,
        "username": "eve",
        "email": "eve@example.com",
        "password": PASSWORD,
    }
    assert Browser(new).post("/setup", values).status_code == 400
    assert users() == 0


def steps(browser: Browser) -> list[bool]:
    answer = browser.get("/account/first-steps.json")
    assert answer.headers["Cache-Control"] == "no-store"
    page = browser.get("/account/first-steps").text
    found = list(json.loads(answer.text).values())
    assert f"{sum(found)} of 3 done" in page
    assert page.count("✓ done") == sum(found)
    return found


def test_each_step_is_done_when_the_server_has_seen_it(app: Flask, session: Session) -> None:
    ada, grace = make_user(session, "ada"), make_user(session, "grace")
    browser = Browser(app)
    browser.log_in_as(ada.id)
    make_token(session, grace)
    for user in (None, grace.id):
        with write_transaction(session):
            record(session, Actor("someone", user_id=user), Action.FILE_UPLOAD)
    assert steps(browser) == [False, False, False]
    make_token(session, ada)
    assert steps(browser) == [True, False, False]
    with write_transaction(session):
        record(session, Actor("ada", user_id=ada.id), Action.FILE_UPLOAD)
    assert steps(browser) == [True, True, False]
    session.add(Download(package_id="demo", release_id=1, file="demo-1.0.tar.gz"))
    session.commit()
    assert steps(browser) == [True, True, True]


def test_the_first_steps_are_for_those_who_are_logged_in(app: Flask) -> None:
    for path in ("/account/first-steps", "/account/first-steps.json"):
        answer = Browser(app).get(path)
        assert answer.status_code == 303
        assert answer.location.startswith("/account/login?next=")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            {"PACKSLIP_BASE_URL": "http://localhost:81", "PACKSLIP_READ": "members"},
            "machine localhost login __token__ password TOKEN",
        ),
        (
            {"PACKSLIP_BASE_URL": "http://p.example.com:81"},
            "pip install --index-url http://p.example.com:81/simple/ --trusted-host p.example.com",
        ),
        (
            {"PACKSLIP_BASE_URL": "http://localhost:81"},
            "pip install --index-url http://localhost:81/simple/ NAME",
        ),
    ],
)
def test_the_commands_name_this_index_alone(
    database_url: str, tmp_path: Path, settings: dict[str, str], expected: str
) -> None:
    app = make_app(tmp_path, database_url, **settings)
    browser = Browser(app)
    with app.app_context():
        ada = make_user(db.session()).id
    browser.log_in_as(ada)
    page = browser.get("/account/first-steps").text
    assert expected in page
    assert f"{settings['PACKSLIP_BASE_URL']}/legacy/ --username __token__ dist/*" in page
    assert "extra-index-url" not in page
