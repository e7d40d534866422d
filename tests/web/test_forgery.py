"""What another site's page can make a browser send, and what it cannot."""

from __future__ import annotations

import pytest
from flask import Flask
from flask_wtf.csrf import generate_csrf
from tests.helpers.accounts import make_user
from tests.helpers.browsing import Browser

from packslip.accounts.models import LoginSession
from packslip.db import db


@pytest.fixture
def browser(app: Flask) -> Browser:
    browser = Browser(app)
    browser.log_in_as(make_user(db.session()).id)
    return browser


def sessions() -> int:
    db.session.rollback()
    return db.session.query(LoginSession).count()


def test_a_form_without_the_token_changes_nothing(browser: Browser) -> None:
    assert browser.post("/account/logout").status_code == 400
    assert sessions() == 1


def test_a_token_of_another_session_is_refused(app: Flask, browser: Browser) -> None:
    stranger = Browser(app)
    stranger.get("/account/login")
    with app.app_context(), stranger.client.session_transaction() as cookie:
        assert "csrf_token" in cookie
    with app.test_request_context():
        foreign = generate_csrf()
    assert browser.post("/account/logout", {"csrf_token": foreign}).status_code == 400
    assert sessions() == 1


@pytest.mark.parametrize("origin", ["https://evil.example.com", "null", "http://localhost.evil"])
def test_a_form_of_another_origin_is_refused(browser: Browser, origin: str) -> None:
    page = browser.get("/account/logout")
    token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
    answer = browser.post("/account/logout", {"csrf_token": token}, headers={"Origin": origin})
    assert answer.status_code == 403
    assert sessions() == 1


def test_a_request_that_the_browser_calls_cross_site_is_refused(browser: Browser) -> None:
    page = browser.get("/account/logout")
    token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert (
        browser.post("/account/logout", {"csrf_token": token}, headers=headers).status_code == 403
    )


@pytest.mark.parametrize("origin", ["http://localhost", "http://packages.example.com"])
def test_a_form_of_this_index_is_taken(browser: Browser, origin: str) -> None:
    page = browser.get("/account/logout")
    token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
    answer = browser.post("/account/logout", {"csrf_token": token}, headers={"Origin": origin})
    assert answer.status_code == 303
    assert sessions() == 0


def test_a_huge_form_is_refused(browser: Browser) -> None:
    answer = browser.post("/account/login", {"username": "a" * 3_000_000})
    assert answer.status_code == 413
