"""Linking accounts with a provider, and what goes on beside it."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import select, update
from tests.helpers.accounts import make_user
from tests.helpers.browsing import Browser
from tests.helpers.provider import Provider
from tests.helpers.sso import BEGIN, PAGE, PASSWORD, Maker, actions, bring, go, session_of

from packslip.accounts.models import LinkedIdentity, LoginSession, Role, User
from packslip.accounts.passwords import hash_password
from packslip.db import db, write_transaction


def test_a_user_links_and_unlinks_the_account(index: Maker, provider: Provider) -> None:
    app = index(roles="staff=curator")
    ada = make_user(db.session(), "grace", hashed_password=hash_password(PASSWORD))
    browser = Browser(app)
    browser.submit("/account/login", username="grace", password=PASSWORD)
    with write_transaction(db.session()) as session:
        # A browser that was left alone for an hour.
        session.execute(update(LoginSession).values(created_at=datetime(2026, 1, 1, tzinfo=UTC)))
    token = browser.submit(PAGE, f"{PAGE}password", password=PASSWORD)
    assert token.status_code == 303
    page = browser.submit(PAGE, f"{PAGE}link")
    address = page.text.partition("url=")[2].partition('"')[0].replace("&amp;", "&")
    assert bring(browser, provider.answer(address)).headers["Location"] == PAGE
    assert "Linked" in browser.get(PAGE).text
    other = Browser(app)
    assert go(other, provider).headers["Location"] == "/"
    assert session_of(app).get_one(User, ada.id).role == "curator"
    assert "ada@example.com" in other.get(PAGE).text
    browser.submit(PAGE, f"{PAGE}unlink")
    session = session_of(app)
    assert session.scalars(select(LinkedIdentity)).all() == []
    assert session.get_one(User, ada.id).role == "member"
    assert {"identity.link", "identity.unlink"} <= set(actions(session))


def test_linking_needs_the_password_and_is_done_for_who_began_it(
    index: Maker, provider: Provider
) -> None:
    app = index()
    users = [make_user(db.session(), name) for name in ("grace", "mallory")]
    old = Browser(app)
    old.log_in_as(users[0].id)
    page = old.submit(PAGE, f"{PAGE}link")
    address = page.text.partition("url=")[2].partition('"')[0].replace("&amp;", "&")
    answer = provider.answer(address)
    with old.client.session_transaction() as cookie:
        kept = cookie["sso"]
    # The same browser, in which somebody else has logged in meanwhile.
    old.log_in_as(users[1].id)
    with old.client.session_transaction() as cookie:
        cookie["sso"] = kept
    bring(old, answer)
    assert session_of(app).scalars(select(LinkedIdentity)).all() == []
    with write_transaction(db.session()) as session:
        session.execute(update(LoginSession).values(created_at=datetime(2026, 1, 1, tzinfo=UTC)))
    with pytest.raises(AssertionError, match="has no form"):
        old.submit(PAGE, f"{PAGE}link")
    form = old.get("/account/profile").text
    token = form.partition('name="csrf_token" value="')[2].partition('"')[0]
    assert old.post(f"{PAGE}link", {"csrf_token": token}).status_code == 403
    assert old.get(f"{PAGE}link").status_code == 405


def test_nobody_unlinks_the_only_way_in(index: Maker, provider: Provider) -> None:
    app = index(registration="create")
    browser = Browser(app)
    go(browser, provider)
    browser.submit(PAGE, f"{PAGE}unlink")
    assert "you could not log in any more" in browser.get(PAGE).text
    assert len(session_of(app).scalars(select(LinkedIdentity)).all()) == 1


@pytest.mark.parametrize(
    ("setting", "amr", "asked"),
    [
        ("own", ["pwd", "mfa"], True),
        ("amr", ["pwd", "mfa"], False),
        ("amr", ["pwd", "otp"], True),
        ("amr", "mfa", True),
        ("provider", None, False),
    ],
)
def test_whose_second_factor_counts(
    index: Maker, provider: Provider, setting: str, amr: object, asked: bool
) -> None:
    app = index(registration="create", second_factor=setting)
    go(Browser(app), provider)
    with write_transaction(db.session()) as session:
        session.execute(update(User).values(totp_confirmed_at=datetime.now(UTC)))
    if amr is not None:
        provider.person["amr"] = amr
    answer = go(Browser(app), provider, f"{BEGIN}?next=/notes/")
    if amr == "mfa":
        # What is no list is no valid token.
        assert answer.headers["Location"] == "/account/login?next=/notes/"
    else:
        assert answer.headers["Location"] == (
            "/account/login/second-factor" if asked else "/notes/"
        )


def test_with_sso_only_passwords_are_for_admins(index: Maker, provider: Provider) -> None:
    app = index(only="yes")
    hashed = hash_password(PASSWORD)
    make_user(db.session(), "ada", hashed_password=hashed)
    make_user(db.session(), "root", hashed_password=hashed, role=Role.ADMIN)
    refused = Browser(app).submit("/account/login", username="ada", password=PASSWORD)
    assert refused.status_code == 403
    assert "people log in through Acme ID" in refused.text
    wrong = Browser(app).submit("/account/login", username="ada", password="wrong")
    assert "people log in through" not in wrong.text
    taken = Browser(app).submit("/account/login", username="root", password=PASSWORD)
    assert taken.status_code == 303
    header = base64.b64encode(f"ada:{PASSWORD}".encode()).decode()
    tool = app.test_client().post("/legacy/", headers={"Authorization": f"Basic {header}"})
    assert tool.status_code == 403
    assert Browser(app).get("/account/register").status_code == 403


def test_a_provider_that_is_down_leaves_passwords_alone(index: Maker, provider: Provider) -> None:
    app = index()
    make_user(db.session(), "ada", hashed_password=hash_password(PASSWORD))
    provider.broken = b"<html>"
    browser = Browser(app)
    assert browser.get(f"{BEGIN}?next=/notes/").headers["Location"] == "/account/login?next=/notes/"
    page = browser.get("/account/login").text
    assert "Acme ID cannot be reached at the moment" in page
    assert "Acme ID did not answer a moment ago" in page
    assert browser.submit("/account/login", username="ada", password=PASSWORD).status_code == 303


def test_logging_out_offers_to_log_out_at_the_provider(index: Maker, provider: Provider) -> None:
    app = index(registration="create")
    browser = Browser(app)
    go(browser, provider)
    browser.submit("/account/logout")
    assert f"{BEGIN}/leave" in browser.get("/account/login").text
    assert f"{BEGIN}/leave" not in browser.get("/account/login").text
    gone = browser.get(f"{BEGIN}/leave").headers["Location"]
    assert gone.startswith(f"{provider.address}/leave?client_id=packslip&post_logout_redirect_uri=")


def test_without_a_provider_there_is_nothing_to_see(app: Flask) -> None:
    browser = Browser(app)
    for path in (BEGIN, f"{BEGIN}/callback?state=x&code=y", f"{BEGIN}/leave"):
        assert browser.get(path).status_code == 404
    assert "Log in with" not in browser.get("/account/login").text
