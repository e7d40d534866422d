"""Notes on the pages of the package on which they hang."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.browsing import Browser, csrf_token_of
from tests.helpers.notes import make_note
from tests.helpers.packages import add_releases

from packslip.accounts.models import Role, User
from packslip.db import write_transaction
from packslip.notes.models import Visibility
from packslip.notes.operations import set_flags
from packslip.packages.models import Act

TEAM, PUBLIC = Visibility.TEAM, Visibility.PUBLIC
TABS = ("", "files/", "dependencies/", "notes/")


def plain(page: str) -> str:
    """The words of a page, without those of its form for searching."""
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", page).split()))


def titles(page: str) -> list[str]:
    """The titles of the notes that are listed, in their order."""
    return re.findall(r'<h3><a href="/notes/\d+">([^<]*)</a>', page)


def logged_in(app: Flask, user: User) -> Browser:
    browser = Browser(app)
    browser.log_in_as(user.id)
    return browser


@pytest.fixture
def ada(session: Session) -> User:
    """Owns demo, which has three releases."""
    ada = make_user(session, "ada")
    add_releases(session, "Demo", {"1.0": [], "1.1": [], "2.0": []}, owner=ada)
    return ada


def test_notes_that_act_come_first_then_pinned_ones_then_the_newest(
    app: Flask, session: Session, ada: User
) -> None:
    first = make_note(session, ada, "pinned", package="demo", visibility=PUBLIC)
    make_note(session, ada, "old", package="demo", visibility=PUBLIC)
    make_note(session, ada, "new", package="demo", visibility=PUBLIC, version_range="==2.0")
    make_note(session, ada, "acts", act=Act.WARN, visibility=PUBLIC, version_range="<2")
    put_away = make_note(session, ada, "away", package="demo", visibility=PUBLIC)
    make_note(session, ada, "elsewhere", visibility=PUBLIC)
    with write_transaction(session):
        set_flags(session, ada, first, pinned=True)
        set_flags(session, ada, put_away, archived=True)
    page = Browser(app).get("/project/demo/notes/").text
    assert titles(page) == ["acts", "pinned", "new", "old"]
    assert "Notes (4)" in page
    assert "On <2 : 1.1 , 1.0" in plain(page)
    assert 'href="/notes/new?package=demo"' in page
    page = Browser(app).get("/project/demo/1.0/notes/").text
    assert titles(page) == ["acts", "pinned", "old"]
    assert "Notes (3)" in page
    assert 'href="/notes/new?package=demo&amp;versions=%3D%3D1.0"' in page
    assert Browser(app).get("/project/Demo/1.0/notes/").location == "/project/demo/1.0/notes/"


def test_nobody_can_tell_that_others_have_private_notes(
    app: Flask, session: Session, ada: User
) -> None:
    make_note(session, ada, "mine", package="demo")
    make_note(session, ada, "ours", package="demo", visibility=TEAM)
    make_note(session, ada, "everybody's", package="demo", visibility=PUBLIC)
    admin = logged_in(app, make_user(session, "carl", role=Role.ADMIN))
    for browser, seen in (
        (Browser(app), ["everybody&#39;s"]),
        (admin, ["everybody&#39;s", "ours"]),
        (logged_in(app, ada), ["everybody&#39;s", "ours", "mine"]),
    ):
        for tail in ("", "1.0/"):
            page = browser.get(f"/project/demo/{tail}notes/").text
            assert titles(page) == seen
            for tab in TABS:
                assert f"Notes ({len(seen)})" in browser.get(f"/project/demo/{tail}{tab}").text


def test_banners_say_who_acts_since_when_and_until_when(
    app: Flask, session: Session, ada: User
) -> None:
    until = datetime.now(UTC) + timedelta(days=3)
    terms = {"review_at": datetime(2020, 1, 2, tzinfo=UTC), "expires_at": until}
    held = make_note(session, ada, "drops sessions", act=Act.HOLD, version_range="==1.1", **terms)
    make_note(session, ada, "slow", act=Act.WARN, version_range="==2.0")
    make_note(session, ada, "use other", act=Act.DEPRECATE, visibility=PUBLIC)
    session.rollback()
    held_banner = (
        "This release is on hold: drops sessions (note 1) . Its files are refused."
        f" By ada since {held.created_at:%Y-%m-%d} · to be reviewed since 2020-01-02"
        f" · ends {until:%Y-%m-%d %H:%M} UTC"
    )
    for tab in TABS:
        page = Browser(app).get(f"/project/demo/1.1/{tab}").text
        assert held_banner.replace(" ", "") in plain(page).replace(" ", "")
        assert "This package is deprecated: use other (note 3)" in plain(page)
        # What the team wrote is told to everybody, but only members can open the note.
        assert ('href="/notes/1"' in page, 'href="/notes/3"' in page) == (False, True)
        assert "A note warns" not in page
        assert 'href="/notes/1"' in logged_in(app, ada).get(f"/project/demo/1.1/{tab}").text
    assert "A note warns of this release: slow" in plain(Browser(app).get("/project/demo/").text)


def test_what_is_held_is_not_offered(app: Flask, session: Session, ada: User) -> None:
    releases = {"1.0": ["later-1.0.tar.gz"], "2.0": ["later-2.0.tar.gz"]}
    add_releases(session, "later", releases, owner=ada)
    values = {"package": "later", "visibility": PUBLIC}
    make_note(session, ada, "drops sessions", act=Act.HOLD, version_range="==2.0", **values)
    browser = Browser(app)
    page = browser.get("/project/later/2.0/").text
    assert "pip install" not in page
    assert "On hold by ada: drops sessions ( note 1 )." in plain(page)
    assert "pip install" in browser.get("/project/later/1.0/").text
    page = browser.get("/project/later/2.0/files/").text
    assert "on hold, refused" in page
    assert re.findall(r'href="/files/[^"]*"', page) == []
    page = browser.get("/project/later/releases/").text
    assert 'on hold: drops sessions (<a href="/notes/1">note 1</a>)' in page
    make_note(session, ada, "stolen", act=Act.QUARANTINE, **values)
    page = browser.get("/project/later/1.0/").text
    assert "pip install" not in page
    assert 'nothing of it can be installed: stolen (<a href="/notes/2">' in page


def test_titles_are_text_whatever_they_say(app: Flask, session: Session, ada: User) -> None:
    secret = make_note(session, ada, "secret", package="demo")
    assert secret.id == 1
    title = "<b>see</b> (note 1) (note 99)"
    make_note(session, ada, title, act=Act.YANK, version_range="==1.0", visibility=PUBLIC)
    for path in ("releases/", "1.0/", "notes/"):
        page = Browser(app).get(f"/project/demo/{path}").text
        assert "<b>see" not in page
        assert '"/notes/1"' not in page
        assert '"/notes/99"' not in page
        assert '"/notes/2"' in page


def test_a_maintainer_archives_lifts_and_unarchives(
    app: Flask, session: Session, ada: User
) -> None:
    path = "/project/demo/settings/"
    make_note(session, ada, "drops sessions", act=Act.HOLD, version_range="==1.1")
    make_note(session, ada, "slow", act=Act.WARN)
    foreign = add_releases(session, "foreign", {"1.0": []})
    other = make_note(session, ada, "other", act=Act.YANK, package=foreign.id)
    browser = logged_in(app, ada)
    answer = browser.submit(path, f"{path}archive", title="")
    assert (answer.status_code, "Give the note a title." in answer.text) == (400, True)
    assert browser.submit(path, f"{path}archive", title="demo2 follows").status_code == 303
    page = browser.get(path).text
    assert "This package is archived: demo2 follows (note 4)" in plain(page)
    assert "archives the package" in (
        browser.post(f"{path}archive", {"csrf_token": csrf_token_of(page), "title": "again"}).text
    )
    # Holds are for curators.
    assert "Lift the hold" not in page
    for note, status in (("1", 403), (str(other.id), 400), ("99", 400), ("x", 400), ("2", 303)):
        sent = {"csrf_token": csrf_token_of(page), "note": note}
        assert browser.post(f"{path}lift", sent).status_code == status, note
    assert browser.submit(path, f"{path}unarchive").status_code == 303
    page = browser.get(path).text
    assert "Demo is active now." in page
    assert "Lift the warn" not in page
    sent = {"csrf_token": csrf_token_of(page)}
    assert "No note archives" in browser.post(f"{path}unarchive", sent).text
