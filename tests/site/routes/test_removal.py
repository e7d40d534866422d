"""Removing files, releases and packages on their pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from urllib.parse import quote

from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.browsing import Browser
from tests.helpers.distributions import build_sdist, build_wheel
from tests.helpers.downloads import add_downloads
from tests.helpers.publishing import stored, upload

from packslip.accounts.models import LoginSession, User
from packslip.accounts.passwords import hash_password
from packslip.db import write_transaction
from packslip.events.models import Event
from packslip.packages.models import Maintainer, MaintainerRole, Package, Release
from packslip.web.context import current_storage

SETTINGS = "/project/demo/settings/"
PACKAGE = f"{SETTINGS}removal/package"
RELEASE = f"{SETTINGS}removal/release?version=1.0"


def fill(session: Session, folder: Path) -> User:
    """Two releases of ada's demo, the first of which has two files."""
    ada = make_user(session)
    for path in (
        build_wheel(folder, "demo", "1.0"),
        build_sdist(folder, "demo", "1.0"),
        build_wheel(folder, "demo", "2.0"),
        build_wheel(folder, "pinned", "1.0", requires_dist=["demo==1.0"]),
        build_wheel(folder, "loose", "1.0", requires_dist=["demo>=1"]),
        build_wheel(folder, "later", "1.0", requires_dist=["demo>1"]),
    ):
        upload(session, current_storage(), ada, path)
    return ada


def logged_in(app: Flask, user: User) -> Browser:
    browser = Browser(app)
    browser.log_in_as(user.id)
    return browser


def plain(page: str) -> str:
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", page).split()))


def test_a_file_then_its_release_then_the_package_go(
    app: Flask, session: Session, tmp_path: Path
) -> None:
    browser = logged_in(app, fill(session, tmp_path))
    for path, typed, left in (
        (f"{SETTINGS}removal/file?filename=demo-1.0.tar.gz", "demo-1.0.tar.gz", ["1.0", "2.0"]),
        (RELEASE, " 1.0 ", ["2.0"]),
        (PACKAGE, "Demo", []),
    ):
        assert browser.submit(path, typed="Demo x").status_code == 400
        answer = browser.submit(path, typed=typed)
        assert answer.status_code == 303, answer.text
        session.rollback()
        versions = session.scalars(select(Release.version).where(Release.package_id == "demo"))
        assert sorted(versions) == left
    assert session.get(Package, "demo") is None
    assert [name for name in stored(app) if name.startswith("demo")] == []
    events = session.scalars(select(Event).where(Event.action.like("%.remove")).order_by(Event.id))
    assert [(event.action, event.actor_name, event.ip_address) for event in events] == [
        (f"{thing}.remove", "ada", "127.0.0.1") for thing in ("file", "release", "package")
    ]
    assert browser.get(PACKAGE).status_code == 404


def test_it_tells_beforehand_what_is_lost(app: Flask, session: Session, tmp_path: Path) -> None:
    ada = fill(session, tmp_path)
    first = session.scalars(select(Release).where(Release.version == "1.0")).first()
    assert first is not None
    now = datetime.now(UTC)
    mine = {"created_at": now, "release_id": first.id, "user_id": ada.id}
    gone = {"created_at": now - timedelta(days=31), "release_id": first.id}
    nobodys = {"created_at": now, "release_id": first.id, "file": "demo-1.0.tar.gz"}
    add_downloads(session, mine, mine, nobodys, gone)
    session.commit()
    browser = logged_in(app, ada)
    package = plain(browser.get(PACKAGE).text)
    assert "2 releases with 3 files" in package
    assert "3 downloads in the last 30 days, by ada (2); 1 by clients" in package
    assert all(name in package for name in ("pinned : demo==1.0", "loose", "later"))
    release = plain(browser.get(RELEASE).text)
    assert "pinned : demo==1.0 no other release would do" in release
    assert "loose : demo>=1" in release
    assert "later" not in release
    file = plain(browser.get(f"{SETTINGS}removal/file?filename=demo-1.0.tar.gz").text)
    assert "1 download in the last 30 days" in file
    assert "It is the only file" not in file
    only = plain(browser.get(f"{SETTINGS}removal/file?filename=demo-2.0-py3-none-any.whl").text)
    assert "It is the only file of demo 2.0" in only
    assert "later : demo>1 no other release would do" in only


def test_whoever_lacks_the_right_sees_nothing_of_it(
    app: Flask, session: Session, tmp_path: Path
) -> None:
    fill(session, tmp_path)
    grace, other = make_user(session, "grace"), make_user(session, "other")
    with write_transaction(session):
        session.add(Maintainer(user_id=grace.id, package_id="demo", role=MaintainerRole.MAINTAINER))
    browser = logged_in(app, grace)
    settings = browser.get(SETTINGS)
    assert (settings.status_code, "removal" in settings.text) == (200, False)
    token = re.search(r'name="csrf_token" value="([^"]+)"', settings.text)
    assert token is not None
    for path in (PACKAGE, RELEASE):
        answer = browser.post(path, {"csrf_token": token[1], "typed": "demo"})
        assert answer.status_code == 403
    for visitor in (browser, logged_in(app, other)):
        for path in (f"{SETTINGS}removal/", PACKAGE, RELEASE):
            assert visitor.get(path).status_code == 403
    assert Browser(app).get(PACKAGE).location == f"/account/login?next={quote(PACKAGE)}"
    session.rollback()
    assert session.get(Package, "demo") is not None
    owner = logged_in(app, session.scalars(select(User).where(User.username == "ada")).one())
    for path in ("release", "release?version=%00", "file?filename=%00", "file?filename=x.whl"):
        assert owner.get(f"{SETTINGS}removal/{path}").status_code == 404


def test_who_logged_in_long_ago_gives_the_password_again(
    app: Flask, session: Session, tmp_path: Path
) -> None:
    ada = fill(session, tmp_path)
    browser = logged_in(app, ada)
    assert "password" not in browser.get(RELEASE).text
    with write_transaction(session):
        ada.hashed_password = hash_password("correct horse")
        session.execute(update(LoginSession).values(created_at=datetime.now(UTC) - timedelta(1)))
    for password, status, words in (
        ("", 400, "Enter your password too."),
        ("wrong", 403, "not your password"),
    ):
        answer = browser.submit(RELEASE, typed="1.0", password=password)
        assert (answer.status_code, words in answer.text) == (status, True)
        assert 'value="1.0"' in answer.text
    # The right one counts for a while, for what was typed wrong too.
    assert browser.submit(RELEASE, typed="9", password="correct horse").status_code == 400
    session.rollback()
    assert session.scalar(select(Release.id).where(Release.version == "1.0")) is not None
    assert browser.submit(RELEASE, typed="1.0").status_code == 303
