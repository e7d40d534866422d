"""The decision log: what it tells, to whom, and what it looks like elsewhere."""

from __future__ import annotations

import csv
import io

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.browsing import Browser
from tests.helpers.notes import fields, make_note
from tests.helpers.packages import add_releases

from packslip.accounts.models import Role, User
from packslip.db import write_transaction
from packslip.events.models import Action
from packslip.events.operations import record
from packslip.notes.acts import lift_act
from packslip.notes.models import Visibility
from packslip.notes.operations import edit_note
from packslip.packages.models import Act

SECRET = "Not for you"


@pytest.fixture
def ada(session: Session) -> User:
    """An admin who held demo, lifted it, and keeps a note that was shared once to herself."""
    add_releases(session, "demo", {"1.0": ["demo-1.0-py3-none-any.whl"]})
    with write_transaction(session):
        data = {"version": "1.0"}
        record(session, ACTOR, Action.RELEASE_CREATE, package_id="demo", data=data)
        news = {"versions": ["1.1", "1.2"]}
        record(session, ACTOR, Action.MIRROR_RELEASE, package_id="demo", data=news)
        record(session, ACTOR, Action.MIRROR_UPDATE, package_id="demo", data={})
    ada = make_user(session, "ada", role=Role.ADMIN)
    note = make_note(session, ada, "=Drops | sessions", act=Act.HOLD, version_range="==1.0")
    with write_transaction(session):
        lift_act(session, ACTOR, ada, note)
    hidden = make_note(session, ada, SECRET, act=Act.WARN)
    with write_transaction(session):
        lift_act(session, ACTOR, ada, hidden)
    with write_transaction(session):
        private = fields(SECRET, visibility=Visibility.PRIVATE, package="demo", act=Act.WARN)
        edit_note(session, ACTOR, ada, hidden, private, edition=hidden.edition)
    make_note(session, ada, "Read me", visibility=Visibility.PUBLIC, package="demo")
    return ada


@pytest.mark.parametrize("path", ["/project/demo/log/", "/notes/log"])
def test_the_log_tells_each_reader_what_they_may_read(
    app: Flask, session: Session, ada: User, path: str
) -> None:
    bob = make_user(session, "bob")
    anonymous, member, author = Browser(app), Browser(app), Browser(app)
    member.log_in_as(bob.id)
    author.log_in_as(ada.id)
    for query in ("", "?format=md", "?format=csv", "?format=json"):
        seen = [browser.get(path + query) for browser in (anonymous, member, author)]
        assert {answer.status_code for answer in seen} == {200}
        assert all("Read me" in answer.text and "released" in answer.text for answer in seen)
        assert ["sessions" in answer.text for answer in seen] == [False, True, True]
        assert [SECRET in answer.text for answer in seen] == [False, False, True]
        assert {answer.headers["Cache-Control"] for answer in seen} == {"no-store"}
    told = member.get(path + "?format=json").json
    assert told is not None
    assert [one["what"] for one in told["entries"]] == [
        "noted",
        "lifted",
        "held",
        "noted",
        "released upstream",
        "released",
    ]
    assert told["entries"][4]["about"] == "1.1, 1.2"
    held = told["entries"][2]
    assert (held["about"], held["act"], held["title"]) == ("==1.0", "hold", "=Drops | sessions")
    assert held["url"].endswith(f"/notes/{held['note']}")


def test_the_log_is_filtered_and_turned(app: Flask, session: Session, ada: User) -> None:
    add_releases(session, "other", {"1.0": ["other-1.0-py3-none-any.whl"]})
    make_note(session, ada, "Other", act=Act.WARN, package="other")
    browser = Browser(app)
    browser.log_in_as(ada.id)
    acts = browser.get("/notes/log?act=hold&format=json").json
    assert acts is not None
    assert [one["what"] for one in acts["entries"]] == ["lifted", "held"]
    other = browser.get("/notes/log?package=Other&format=json").json
    assert other is not None
    assert {one["package"] for one in other["entries"]} == {"other"}
    assert "nothing of that kind" in browser.get("/notes/log?since=2999-01-01").text
    first = other["entries"][0]["id"]
    older = browser.get(f"/notes/log?before={first}").text
    assert "Newest" in older
    assert older.count("Other (note") == 1
    for wrong in ("act=dance", "since=soon"):
        assert browser.get(f"/notes/log?{wrong}").status_code == 400
    assert browser.get("/notes/log?format=pdf").status_code == 404
    assert browser.get("/notes/log?package=%00").status_code == 200
    assert browser.get("/project/Demo/log/").location.endswith("/project/demo/log/")


def test_exports_hold_no_formula_and_no_markup(app: Flask, session: Session, ada: User) -> None:
    browser = Browser(app)
    browser.log_in_as(ada.id)
    rows = list(csv.DictReader(io.StringIO(browser.get("/notes/log?format=csv").text)))
    assert "'=Drops | sessions" in {row["title"] for row in rows}
    assert r"\=Drops" not in browser.get("/notes/log?format=md").text
    assert r"=Drops \| sessions ([note " in browser.get("/notes/log?format=md").text
