"""Whoever must have a second factor and has none finds the page that adds one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.app import make_app
from tests.helpers.browsing import Browser
from tests.helpers.second_factors import add_authenticator

from packslip.accounts.models import Role, User
from packslip.accounts.policies import SecondFactorPolicy, set_second_factor_policy
from packslip.db import db, write_transaction

PAGE = "/account/second-factor/"


@pytest.fixture
def members_only(tmp_path: Path, database_url: str) -> Iterator[Flask]:
    app = make_app(tmp_path, database_url, PACKSLIP_READ="members")
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def bound_user(policy: SecondFactorPolicy = SecondFactorPolicy.ALL) -> User:
    with write_transaction(db.session()) as session:
        set_second_factor_policy(session, ACTOR, policy)
    return make_user(db.session(), role=Role.ADMIN, hashed_password="x")


def test_pages_lead_to_it_and_the_way_out_stays_open(members_only: Flask) -> None:
    user = bound_user()
    browser = Browser(members_only)
    browser.log_in_as(user.id)
    for path in ("/", "/project/demo/"):
        assert browser.get(path).location == PAGE
    page = browser.get(PAGE)
    assert "requires a second factor of everybody" in page.text
    assert "tokens go on working" in page.text
    for path in ("/healthz", "/simple/", "/static/packslip.css", "/account/reset"):
        with browser.get(path) as answer:
            assert answer.status_code == 200, path
    assert browser.submit("/account/logout").location == "/account/login"
    assert browser.get("/").location == "/account/login?next=/"


def test_who_has_one_or_is_not_bound_goes_on(members_only: Flask) -> None:
    user = bound_user(SecondFactorPolicy.OWNERS)
    browser = Browser(members_only)
    browser.log_in_as(user.id)
    assert browser.get("/").status_code == 200
    with write_transaction(db.session()) as session:
        set_second_factor_policy(session, ACTOR, SecondFactorPolicy.ALL)
    assert browser.get("/").location == PAGE
    add_authenticator(db.session(), user)
    assert browser.get("/").status_code == 200


def test_what_everybody_may_read_stays_open(app: Flask) -> None:
    user = bound_user()
    browser = Browser(app)
    browser.log_in_as(user.id)
    assert browser.get("/").status_code == 200
    assert Browser(app).get("/").status_code == 200
