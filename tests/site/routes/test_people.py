"""A user's page."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.browsing import Browser
from tests.helpers.distributions import build_wheel
from tests.helpers.packages import add_package
from tests.helpers.publishing import upload

from packslip.accounts.models import Role, User
from packslip.db import write_transaction
from packslip.packages.models import Maintainer, Package
from packslip.packages.removal import remove_package
from packslip.site.people import initials
from packslip.web.context import current_storage


def note(session: Session, user: User, **values: object) -> None:
    with write_transaction(session):
        for name, value in values.items():
            setattr(user, name, value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Ada King", "AK"), ("ada", "A"), ("", "U"), ("Grace (RADM) B. Hopper", "GH"), ("«»", "U")],
)
def test_initials_stand_for_a_picture(name: str, expected: str) -> None:
    assert initials(User(username="user", name=name)) == expected


def test_it_shows_what_somebody_looks_after_and_uploaded(
    app: Flask, session: Session, tmp_path: Path
) -> None:
    picture = "https://images.example.com/ada.png"
    ada = make_user(session, name="Ada King", role=Role.CURATOR)
    note(session, ada, profile_image_url=picture)
    for name in ("kept", "gone"):
        upload(session, current_storage(), ada, build_wheel(tmp_path, name, "1.0"))
    with write_transaction(session):
        remove_package(session, ACTOR, session.get_one(Package, "gone"))
    page = Browser(app).get("/user/ada/").text
    assert "Ada King" in page
    assert "curator: acts on mirrored packages" in page
    assert 'href="/project/kept/1.0/files/"' in page
    assert "kept-1.0-py3-none-any.whl" in page
    assert ("gone" in page, picture in page) == (False, False)
    assert Browser(app).get("/user/ADA/").location == "/user/ada/"


def test_the_address_and_last_login_are_for_the_person_and_admins(
    app: Flask, session: Session
) -> None:
    ada = make_user(session)
    note(session, ada, last_login=datetime(2026, 1, 2, 3, 4, tzinfo=UTC))
    members = [make_user(session, "grace"), make_user(session, "root", role=Role.ADMIN)]
    visitors = {"nobody": Browser(app)}
    for user in (ada, *members):
        visitors[user.username] = Browser(app)
        visitors[user.username].log_in_as(user.id)
    for name, browser in visitors.items():
        page = browser.get("/user/ada/").text
        sees = name in ("ada", "root")
        assert ("ada@example.com" in page, "2026-01-02 03:04" in page) == (sees, sees), name
        assert ("/admin/users/ada/" in page) == (name == "root")


def test_whoever_is_disabled_is_unknown(app: Flask, session: Session) -> None:
    root = make_user(session, "root", role=Role.ADMIN)
    note(session, make_user(session, "gone"), disabled_at=datetime.now(UTC))
    admin = Browser(app)
    admin.log_in_as(root.id)
    for browser in (Browser(app), admin):
        for path in ("/user/{}/", "/user/{}/downloads/"):
            gone, unknown = (browser.get(path.format(name)) for name in ("gone", "nope"))
            assert (gone.status_code, unknown.status_code) == (404, 404)
            assert gone.status.replace("gone", "nope") == unknown.status


def test_nobody_of_that_name_leads_to_names_like_it(app: Flask, session: Session) -> None:
    viewer = make_user(session, "margaret")
    owner = make_user(session, "margarete")
    session.add(Maintainer(user=owner, package=add_package(session)))
    session.commit()
    note(session, make_user(session, "margarets"), disabled_at=datetime.now(UTC))
    browser = Browser(app)
    answer = browser.get("/user/Margart/")
    assert answer.status_code == 404
    assert 'href="/user/margarete/"' in answer.text
    # Who is not logged in learns no names that stand on no package.
    assert 'href="/user/margaret/"' not in answer.text
    browser.log_in_as(viewer.id)
    page = browser.get("/user/margart/").text
    assert 'href="/user/margaret/"' in page
    assert "margarets" not in page
    assert browser.get("/user/%00%25/").status_code == 404
