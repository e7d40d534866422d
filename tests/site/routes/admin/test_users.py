"""What admins do with users."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_token, make_user
from tests.helpers.admins import Desk
from tests.helpers.browsing import Browser
from tests.helpers.packages import add_releases

from packslip.accounts.models import LoginSession, Role, SecurityKey, User
from packslip.accounts.queries import find_token, get_user
from packslip.db import write_transaction
from packslip.events.models import Event
from packslip.site.routes.admin import users

BOB = "/admin/users/bob/"


def last_event(session: Session) -> Event:
    return session.scalars(select(Event).order_by(Event.id.desc()).limit(1)).one()


def listed(page: str) -> list[str]:
    return re.findall(r'href="/admin/users/([^/"]+)/"', page)


def test_users_are_listed_with_what_matters(desk: Desk) -> None:
    bob = make_user(desk.session, "bob", name="<b>Bob</b>", hashed_password="x")
    add_releases(desk.session, "one", owner=bob)
    add_releases(desk.session, "two", owner=bob)
    with write_transaction(desk.session):
        bob.totp_confirmed_at = bob.last_login = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
        bob.disabled_at = bob.last_login
    page = desk.open("/admin/users/")
    assert listed(page) == ["bob", "grace"]
    row = page[page.index("/admin/users/bob/") : page.index("/admin/users/grace/")]
    cells = [re.sub("<[^>]+>", "", cell) for cell in re.findall("<td>(.*?)</td>", row)]
    assert cells == [
        "&lt;b&gt;Bob&lt;/b&gt;",
        "bob@example.com",
        "member",
        "disabled",
        "yes",
        "2",
        "2026-01-02 03:04",
    ]


def test_users_are_looked_for(desk: Desk) -> None:
    make_user(desk.session, "bob", name="Robert É", email="r_1@example.com")
    make_user(desk.session, "eve", email=None)
    for text, found in (
        ("BO", ["bob"]),
        ("hopper", ["grace"]),
        ("r_1@EX", ["bob"]),
        ("a_1", []),
        ("%", []),
        ("%00", []),
        ("e", ["bob", "eve", "grace"]),
    ):
        assert listed(desk.open(f"/admin/users/?q={text}")) == found, text


def test_many_users_fill_several_pages(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "PAGE", 2)
    for name in ("ann", "bob", "cat", "dan"):
        make_user(desk.session, name)
    page, seen = desk.open("/admin/users/?q=a"), []
    while True:
        seen += listed(page)
        link = re.search(r'href="([^"]+)" rel="next"', page)
        if link is None:
            break
        page = desk.open(link[1].replace("&amp;", "&"))
    assert seen == ["ann", "bob", "cat", "dan", "grace"]
    assert "First users" in page
    assert listed(desk.open("/admin/users/?after=%00")) == []


def test_a_user_s_page_tells_it_all(desk: Desk) -> None:
    bob = make_user(desk.session, "bob")
    add_releases(desk.session, "demo", owner=bob)
    make_token(desk.session, bob)
    page = desk.open(BOB)
    assert "bob@example.com, not confirmed" in page
    assert "/project/demo/" in page
    assert "added the user bob" in page
    assert "Tokens that work</dt><dd>1<" in page
    assert desk.browser.get("/admin/users/nobody/").status_code == 404
    assert desk.browser.get("/admin/users/%00/").status_code == 404


def test_a_role_is_given(desk: Desk) -> None:
    bob = make_user(desk.session, "bob")
    assert desk.submit(BOB, f"{BOB}role", role="curator").status_code == 303
    assert bob.role == Role.CURATOR
    event = last_event(desk.session)
    assert (event.actor_name, event.actor_id, event.ip_address) == (
        "grace",
        desk.grace.id,
        "127.0.0.1",
    )
    assert "The role of bob is curator now." in desk.open(BOB)
    answer = desk.submit(BOB, f"{BOB}role", role="owner")
    assert answer.status_code == 400
    assert bob.role == Role.CURATOR


def test_who_is_disabled_is_out_at_once_and_can_come_back(app: Flask, desk: Desk) -> None:
    bob = make_user(desk.session, "bob")
    _, secret = make_token(desk.session, bob)
    browser = Browser(app)
    browser.log_in_as(bob.id)
    assert desk.submit(BOB, f"{BOB}disable").status_code == 303
    assert browser.get("/account/").status_code == 303
    assert find_token(desk.session, secret) is None
    page = desk.open(BOB)
    assert f'action="{BOB}disable"' not in page
    assert f'action="{BOB}reset-link"' not in page
    assert desk.submit(BOB, f"{BOB}enable").status_code == 303
    assert find_token(desk.session, secret) is not None
    assert browser.get("/account/").status_code == 303


def test_admins_do_not_lock_themselves_out(desk: Desk) -> None:
    path = "/admin/users/grace/"
    answer = desk.submit(path, f"{path}role", role="member")
    assert answer.status_code == 400
    assert "last admin" in answer.text
    make_user(desk.session, "other", role=Role.ADMIN)
    assert f'action="{path}disable"' not in desk.open(path)
    token = re.search(r'name="csrf_token" value="([^"]+)"', desk.open(path))
    assert token is not None
    answer = desk.browser.post(f"{path}disable", {"csrf_token": token[1]})
    assert answer.status_code == 400
    assert "cannot disable your own account" in answer.text
    desk.session.rollback()
    assert (desk.grace.role, desk.grace.disabled_at) == (Role.ADMIN, None)
    assert desk.submit(path, f"{path}role", role="member").status_code == 303
    assert desk.browser.get("/admin/").status_code == 403


def test_a_reset_link_is_shown_once(desk: Desk) -> None:
    make_user(desk.session, "bob")
    answer = desk.submit(BOB, f"{BOB}reset-link")
    assert answer.status_code == 200
    link = re.search(r"http://packages\.example\.com(/account/reset/[\w-]+)", answer.text)
    assert link is not None
    assert link[1] not in desk.open(BOB)
    assert link[1].rpartition("/")[2] not in str(last_event(desk.session).data)
    assert desk.browser.get(link[1]).status_code == 200


def test_second_factors_are_removed(desk: Desk) -> None:
    bob = make_user(desk.session, "bob")
    with write_transaction(desk.session):
        bob.totp_secret, bob.totp_confirmed_at = "sealed", datetime.now(UTC)
        desk.session.add(SecurityKey(user=bob, name="Key", credential_id="1", public_key="1"))
    assert desk.submit(BOB, f"{BOB}remove-second-factors").status_code == 303
    assert bob.totp_confirmed_at is None
    assert desk.session.scalars(select(SecurityKey)).all() == []
    page = desk.open(BOB)
    assert "removed the authenticator app" in page
    assert f'action="{BOB}remove-second-factors"' not in page


def test_sessions_are_ended(app: Flask, desk: Desk) -> None:
    bob = make_user(desk.session, "bob")
    Browser(app).log_in_as(bob.id)
    assert desk.submit(BOB, f"{BOB}end-sessions").status_code == 303
    left = desk.session.scalars(select(User).join(LoginSession)).all()
    assert [user.username for user in left] == ["grace"]
    path = "/admin/users/grace/"
    assert desk.submit(path, f"{path}end-sessions").status_code == 303
    assert desk.browser.get("/admin/").status_code == 303
    assert get_user(desk.session, "grace").disabled_at is None
