"""Admin pages are for admins."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from tests.helpers.accounts import basic, make_token, make_user
from tests.helpers.admins import Desk
from tests.helpers.browsing import Browser, csrf_token_of

from packslip.accounts.models import Role, User
from packslip.accounts.passwords import hash_password
from packslip.accounts.site_roles import disable_user, lock_admins, set_role
from packslip.events.operations import Actor
from packslip.site.routes.admin import shared


def addresses(app: Flask, method: str) -> list[str]:
    """Every address of the admin pages that takes the method."""
    return [
        re.sub(r"<int:\w+>", "1", rule.rule).replace("<username>", "bob")
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("admin.") and method in (rule.methods or ())
    ]


def roles(session: Session) -> dict[str, tuple[str, bool]]:
    session.rollback()
    return {user.username: (user.role, user.disabled_at is None) for user in session.query(User)}


def test_nobody_but_admins_gets_in(app: Flask, session: Session) -> None:
    make_user(session, "bob", role=Role.CURATOR)
    member, stranger = Browser(app), Browser(app)
    member.log_in_as(make_user(session, "eve", role=Role.CURATOR).id)
    token = csrf_token_of(member.get("/").text)
    before = roles(session)
    pages = addresses(app, "GET")
    assert len(pages) >= 7
    for path in pages:
        assert member.get(path).status_code == 403, path
        answer = stranger.get(path)
        assert answer.status_code == 303, path
        assert answer.headers["Location"].startswith("/account/login?next=/admin/")
    changes = addresses(app, "POST")
    assert len(changes) >= 9
    for path in changes:
        answer = member.post(path, {"csrf_token": token, "role": "admin", "email": "a@b"})
        assert answer.status_code == 403, path
        assert "for the admins" in answer.text
        assert stranger.post(path).status_code in (303, 400), path
    assert roles(session) == before


def test_neither_a_token_nor_a_password_opens_them(app: Flask, session: Session) -> None:
    password = "correct horse battery"
    admin = make_user(session, "ada", role=Role.ADMIN, hashed_password=hash_password(password))
    _, token = make_token(session, admin)
    with app.app_context():
        for header in (f"Bearer {token}", basic("__token__", token), basic("ada", password)):
            headers = {"Authorization": header}
            assert app.test_client().get("/admin/", headers=headers).status_code == 303


def test_answers_are_kept_out_of_caches(desk: Desk) -> None:
    for path in ("/admin/", "/admin/events.jsonl"):
        assert desk.browser.get(path).headers["Cache-Control"] == "no-store"


def test_a_form_without_its_token_changes_nothing(desk: Desk) -> None:
    make_user(desk.session, "bob")
    answer = desk.browser.post("/admin/users/bob/role", {"role": "admin"})
    assert answer.status_code == 400
    assert roles(desk.session)["bob"] == ("member", True)


@pytest.mark.parametrize("fate", ["disabled", "demoted"])
def test_who_is_no_admin_any_more_changes_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, fate: str
) -> None:
    """Between the look at the page's visitor and the change that they ask for."""
    bob = make_user(desk.session, "bob")
    other = Actor("other")
    make_user(desk.session, "other", role=Role.ADMIN)

    def meanwhile(session: Session) -> object:
        grace = session.get_one(User, desk.grace.id)
        if fate == "disabled":
            disable_user(session, other, grace)
        else:
            set_role(session, other, grace, Role.MEMBER)
        session.flush()
        return lock_admins(session)

    monkeypatch.setattr(shared, "lock_admins", meanwhile)
    path = f"/admin/users/{bob.username}/"
    answer = desk.submit(path, f"{path}role", role="admin")
    assert answer.status_code == (303 if fate == "disabled" else 403)
    assert roles(desk.session)["bob"] == ("member", True)
