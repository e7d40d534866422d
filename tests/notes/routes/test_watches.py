"""Watching packages: by mail, by feeds, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_token, make_user
from tests.helpers.app import make_app
from tests.helpers.browsing import Browser
from tests.helpers.distributions import build_wheel
from tests.helpers.mail import Mailbox, deliver, mailbox, text_of
from tests.helpers.notes import fields, make_note
from tests.helpers.packages import add_releases
from tests.helpers.publishing import put

from packslip.accounts.models import Role, Scope, User
from packslip.db import db, write_transaction
from packslip.mail.models import Mail
from packslip.mail.sender import current_sender
from packslip.notes.acts import lift_act
from packslip.notes.expiry import lift_expired
from packslip.notes.models import Note, Visibility
from packslip.notes.operations import edit_note
from packslip.packages.models import Act
from packslip.subscriptions.operations import watch
from packslip.web.context import current_storage

SECRET = "Not for you"


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mailbox() as box:
        yield box


@pytest.fixture
def app(box: Mailbox, database_url: str, tmp_path: Path) -> Iterator[Flask]:
    app = make_app(tmp_path, database_url, PACKSLIP_SMTP_URL=box.url)
    with app.app_context():
        yield app
        current_sender().stop()


@pytest.fixture
def session(app: Flask) -> Session:
    return db.session()


@pytest.fixture
def ada(session: Session) -> User:
    add_releases(session, "demo", {"1.0": ["demo-1.0-py3-none-any.whl"]})
    add_releases(session, "other", {"1.0": ["other-1.0-py3-none-any.whl"]})
    return make_user(session, "ada", role=Role.ADMIN)


def reader(session: Session, name: str, *packages: str | None, confirmed: bool = True) -> User:
    user = make_user(session, name)
    with write_transaction(session):
        user.email_confirmed_at = datetime.now(UTC) if confirmed else None
        for package_id in packages:
            watch(session, user, package_id)
    return user


def lift(session: Session, user: User, note: Note) -> None:
    with write_transaction(session):
        lift_act(session, ACTOR, user, note)


def test_watchers_are_told_of_acts_as_long_as_they_may_read_and_want_to(
    app: Flask, session: Session, ada: User, box: Mailbox
) -> None:
    reader(session, "package", "demo")
    reader(session, "everything", None, "demo")
    reader(session, "unconfirmed", "demo", confirmed=False)
    reader(session, "elsewhere", "other")
    gone = reader(session, "gone", "demo")
    note = make_note(session, ada, "Drops sessions", act=Act.HOLD, version_range="==1.0")
    with write_transaction(session):
        gone.disabled_at = datetime.now(UTC)
    assert deliver(app) == 2
    assert {message["X-To"] for message in box.messages} == {
        "package@example.com",
        "everything@example.com",
    }
    text = text_of(box.messages[0])
    assert "tester put an act on demo ==1.0: hold." in text
    assert f"Drops sessions (note {note.id})\n\nhttp://packages.example.com/notes/" in text
    box.clear()
    lift(session, ada, note)
    # Before the mails are written, the note becomes somebody's own.
    private = fields(SECRET, visibility=Visibility.PRIVATE, package="demo", act=Act.HOLD)
    with write_transaction(session):
        edit_note(session, ACTOR, ada, note, private, edition=note.edition)
    assert deliver(app) == 0
    make_note(session, ada, "Other", act=Act.WARN, package="other")
    assert deliver(app) == 2
    expiring = datetime.now(UTC) + timedelta(hours=1)
    ending = make_note(session, ada, "Soon over", act=Act.WARN, expires_at=expiring)
    box.clear()
    deliver(app)
    with write_transaction(session):
        past = datetime.now(UTC) - timedelta(seconds=1)
        session.execute(update(Note).where(Note.id == ending.id).values(expires_at=past))
        for table in ("acts",):
            session.execute(update(Note.metadata.tables[table]).values(expires_at=past))
        session.execute(update(Note.metadata.tables["packages"]).values(acts_until=past))
    lift_expired(session)
    deliver(app)
    assert any("expired" in subject for subject in box.subjects)
    assert SECRET not in "".join(text_of(message) for message in box.messages)


def test_one_mail_tells_of_the_files_of_a_release_and_its_link_ends_the_watch(
    app: Flask, session: Session, ada: User, box: Mailbox, tmp_path: Path
) -> None:
    bob = reader(session, "bob", "demo", None)
    for tags in ("py3-none-any", "cp39-cp39-win32"):
        put(session, current_storage(), build_wheel(tmp_path, "demo", "2.0", tags=tags))
    assert deliver(app) == 0
    with write_transaction(session):
        session.execute(update(Mail).values(due_at=datetime.now(UTC)))
    assert deliver(app) == 1
    (message,) = box.messages
    assert "demo-2.0-py3-none-any.whl\ndemo-2.0-cp39-cp39-win32.whl" in text_of(message)
    link = message["List-Unsubscribe"].strip("<>").removeprefix("http://packages.example.com")
    assert link in text_of(message)
    browser = Browser(app)
    assert "Stop watching demo" in browser.get(link).text
    browser.submit(link, "", what="package")
    browser.submit(link, "", what="everything")
    assert "not told of demo any more" in browser.get(link).text
    make_note(session, ada, "Nobody cares", act=Act.WARN)
    assert session.scalars(select(Mail)).all() == []
    assert browser.get(link[:-3]).status_code == 404
    assert bob.email is not None


def test_packages_are_watched_by_buttons(app: Flask, session: Session, ada: User) -> None:
    browser = Browser(app)
    assert "Watch</" not in browser.get("/project/demo/").text
    assert browser.get("/account/watches/").status_code == 303
    browser.log_in_as(ada.id)
    browser.submit("/project/demo/", "/account/watches/add", package="demo")
    browser.submit("/account/watches/", "/account/watches/add", everything="1")
    page = browser.get("/account/watches/").text
    assert 'aria-label="Stop watching demo"' in page
    assert "Stop watching everything" in page
    answer = browser.submit("/account/watches/", "/account/watches/add", package="absent")
    assert (answer.status_code, "There is no package" in answer.text) == (400, True)
    browser.submit("/project/demo/", "/account/watches/remove", package="demo")
    assert "You watch no package" in browser.get("/account/watches/").text


def test_feeds_hold_what_the_reader_may_read(app: Flask, session: Session, ada: User) -> None:
    make_note(session, ada, "Drops <sessions>", act=Act.HOLD, visibility=Visibility.TEAM)
    make_note(session, ada, "Read me", package="demo", visibility=Visibility.PUBLIC)
    make_note(session, ada, SECRET, package="demo")
    make_note(session, ada, "Elsewhere", package="other", visibility=Visibility.PUBLIC)
    _, token = make_token(session, make_user(session, "bob"), scope=Scope.READ)
    client = app.test_client()
    told = {"Authorization": f"Bearer {token}"}

    def titles(path: str, headers: dict[str, str]) -> list[str]:
        answer = client.get(path, headers=headers)
        assert answer.mimetype == "application/rss+xml"
        assert answer.cache_control.private
        assert {"Authorization", "Cookie"} <= set(answer.vary)
        again = client.get(path, headers={**headers, "If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304
        items = ET.fromstring(answer.data).findall("channel/item")
        guids = [item.findtext("guid") for item in items]
        assert len(set(guids)) == len(guids)
        return [item.findtext("title") or "" for item in items]

    held = ["demo held: Drops <sessions>", "demo noted: Drops <sessions>"]
    assert titles("/rss/notes.xml", {}) == ["other noted: Elsewhere", "demo noted: Read me"]
    assert titles("/rss/project/demo/notes.xml", {}) == ["demo noted: Read me"]
    assert titles("/rss/project/demo/notes.xml", told) == ["demo noted: Read me", *held]
    assert client.get("/rss/project/absent/notes.xml").status_code == 404
