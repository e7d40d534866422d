"""The overview of one's own account."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_token, make_user
from tests.helpers.browsing import Browser
from tests.helpers.packages import add_releases

from packslip.accounts.models import Role, User
from packslip.db import write_transaction
from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.packages import operations
from packslip.packages.maintainer_invitations import invite_maintainer
from packslip.packages.models import MaintainerRole


@pytest.fixture
def ada(session: Session) -> User:
    return make_user(session, "ada", name="Ada L.")


@pytest.fixture
def browser(app: Flask, ada: User) -> Browser:
    browser = Browser(app)
    browser.log_in_as(ada.id)
    return browser


def text_of(browser: Browser) -> str:
    page = browser.get("/account/")
    assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-store")
    return " ".join(page.text.split())


def test_it_is_for_who_is_logged_in(app: Flask) -> None:
    stranger = Browser(app)
    assert stranger.get("/account/").location == "/account/login?next=/account/"
    assert stranger.get("/account/invitations/demo/accept").status_code == 405


def test_a_new_account_says_what_is_missing(browser: Browser) -> None:
    page = text_of(browser)
    assert "Hello, Ada L." in page
    assert 'ada@example.com, <a href="/account/profile">not confirmed yet</a>' in page
    assert '<a href="/account/second-factor/">none yet</a>' in page
    assert "1 session<" in page
    assert '<a href="/account/tokens/">none</a>' in page
    assert "You look after none." in page
    assert "Invitation" not in page


def test_it_tells_what_there_is(session: Session, ada: User, browser: Browser) -> None:
    with write_transaction(session):
        ada.email_confirmed_at = ada.totp_confirmed_at = datetime.now(UTC)
    make_token(session, ada)
    expired, _ = make_token(session, ada)
    with write_transaction(session):
        expired.revoked_at = datetime.now(UTC)
    add_releases(session, "Demo", {"1.0": [], "2.0": []}, owner=ada)
    page = text_of(browser)
    assert "ada@example.com, confirmed" in page
    assert "in use" in page
    assert "1 that works" in page
    assert '>Demo</a> <span class="version">owner</span> 2.0 <time' in page
    assert "/project/demo/settings/" in page


def test_invitations_wait_there_while_they_hold(
    session: Session, ada: User, browser: Browser
) -> None:
    bob, carl = make_user(session, "bob"), make_user(session, "carl", role=Role.ADMIN)
    demo = add_releases(session, "Demo", owner=bob)
    with write_transaction(session):
        role = MaintainerRole.OWNER
        invite_maintainer(session, ACTOR, demo, ada, role, invited_by=bob)
    assert "bob</a> invites you to become owner of" in text_of(browser)
    with write_transaction(session):
        operations.set_maintainer(session, ACTOR, demo, carl, role)
        operations.remove_maintainer(session, ACTOR, demo, bob)
    assert "invites you" not in text_of(browser)


def test_a_void_invitation_is_refused_with_a_reason(
    session: Session, ada: User, browser: Browser
) -> None:
    bob = make_user(session, "bob")
    demo = add_releases(session, "Demo", owner=bob)
    with write_transaction(session):
        invite_maintainer(session, ACTOR, demo, ada, MaintainerRole.OWNER, invited_by=bob)
    page = browser.get("/account/")
    with write_transaction(session):
        bob.disabled_at = datetime.now(UTC)
    token = page.text.partition('name="csrf_token" value="')[2].partition('"')[0]
    path = "/account/invitations/demo/accept"
    refused = browser.post(path, {"csrf_token": token})
    assert refused.status_code == 403
    assert "Ask one of its owners for another invitation." in refused.text


def test_the_history_is_about_oneself(session: Session, ada: User, browser: Browser) -> None:
    bob = make_user(session, "bob")
    with write_transaction(session):
        for actor, subject, version in (
            (Actor("ada", user_id=ada.id, ip_address="192.0.2.1"), None, "1.0"),
            (Actor("bob", user_id=bob.id, ip_address="192.0.2.2"), ada.id, "2.0"),
            (Actor("bob", user_id=bob.id, ip_address="192.0.2.3"), bob.id, "3.0"),
            (Actor("somebody", ip_address="192.0.2.4"), ada.id, "4.0"),
        ):
            data = {"version": version}
            record(session, actor, Action.RELEASE_YANK, subject_id=subject, data=data)
    page = text_of(browser)
    seen = {version for version in ("1.0", "2.0", "3.0", "4.0") if f") {version}<" in page}
    assert seen == {"1.0", "2.0", "4.0"}
    addresses = {number for number in (1, 2, 3, 4) if f"192.0.2.{number}" in page}
    # From where others acted is not for them; from where nobody in particular did is.
    assert addresses == {1, 4}
