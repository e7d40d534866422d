"""Acts by the pages: offered, confirmed, begun, changed, lifted, and felt by whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, basic, make_token, make_user
from tests.helpers.browsing import Browser, forms_of
from tests.helpers.downloads import add_downloads
from tests.helpers.notes import make_note
from tests.helpers.packages import add_releases
from tests.helpers.statements import counted_statements

from packslip.accounts.models import Role, Scope, User
from packslip.db import write_transaction
from packslip.events.models import Event
from packslip.notes.models import Visibility
from packslip.packages.models import Act, MaintainerRole, Package, StandingAct
from packslip.packages.operations import set_maintainer

RELEASES = {version: [f"demo-{version}-py3-none-any.whl"] for version in ("1.0", "1.1", "1.2")}


@pytest.fixture
def grace(session: Session) -> User:
    """An admin."""
    add_releases(session, "demo", RELEASES)
    return make_user(session, "grace", role=Role.ADMIN)


def logged_in(app: Flask, user: User) -> Browser:
    browser = Browser(app)
    browser.log_in_as(user.id)
    return browser


def confirm(browser: Browser, page: str, do: str = "act") -> Any:
    """Send the form of a page on which something is confirmed."""
    (form,) = [one for one in forms_of(page) if "edition" in one.fields]
    return browser.post(form.action, {**form.fields, "do": do})


def write(browser: Browser, path: str = "/notes/new", **values: str) -> Any:
    told = {"title": "drops sessions", "visibility": "team", "package": "demo", "do": "save"}
    return browser.submit(path, path.partition("?")[0], **told | values)


def test_an_act_begins_changes_and_ends_only_when_it_is_confirmed(
    app: Flask, session: Session, grace: User
) -> None:
    make_note(session, grace, "wrong metadata", act=Act.YANK, version_range="==1.1")
    browser = logged_in(app, grace)
    shown = write(browser, act="hold", version_range=">=1.1,<2")
    assert shown.status_code == 200
    for text in (
        "403 On hold by grace: drops sessions (note N)",
        "today 1.2, 1.1.",
        "come later are covered",
        "This act is stronger and decides",
        "yanked: wrong metadata (note 1)",
    ):
        assert text in shown.text.replace("&#39;", "'"), text
    session.rollback()
    assert session.scalars(select(StandingAct.note_id)).all() == [1]
    assert (
        session.scalars(select(Event.action).where(Event.package_id == "demo"))
        .all()
        .count("act.begin")
        == 1
    )
    back = confirm(browser, shown.text, "edit")
    assert 'value="hold" checked' in back.text
    assert 'value="&gt;=1.1,&lt;2"' in back.text
    saved = confirm(browser, shown.text)
    assert saved.status_code == 303
    note_id = int(saved.location.rpartition("/")[2])
    session.rollback()
    assert session.get_one(StandingAct, note_id).version_range == ">=1.1,<2"

    edit = f"/notes/{note_id}/edit"
    assert write(browser, edit, body="why").status_code == 303
    changed = write(browser, edit, act="yank")
    assert (
        "<code>warning: `demo==1.2` is yanked"
        f" (reason: &#34;drops sessions (note {note_id})&#34;)</code>" in changed.text
    )
    assert "Both are as strong" in changed.text
    assert confirm(browser, changed.text).status_code == 303
    ended = write(browser, edit, act="none")
    assert "The note will act no more" in ended.text

    shown = browser.get(f"/notes/{note_id}/lift")
    assert "nothing is said" in shown.text
    stale = browser.submit(f"/notes/{note_id}/lift", edition="1")
    assert stale.status_code == 409
    session.rollback()
    assert session.get(StandingAct, note_id) is not None
    assert browser.submit(f"/notes/{note_id}/lift").status_code == 303
    assert browser.get(f"/notes/{note_id}/lift").status_code == 303
    assert "Act again" in browser.get(f"/notes/{note_id}").text
    assert browser.submit(f"/notes/{note_id}/resume").status_code == 303
    session.rollback()
    actions = session.scalars(select(Event.action).order_by(Event.id)).all()
    assert [one for one in actions if one.startswith("act.")] == [
        "act.begin",
        "act.begin",
        "act.change",
        "act.lift",
        "act.begin",
    ]


def test_looking_at_what_would_be_so_writes_nothing(
    app: Flask, session: Session, grace: User
) -> None:
    """A reader of the page waits for no lock, and takes none."""
    note_id = make_note(session, grace, "slow", act=Act.HOLD, version_range="==1.1").id
    make_note(session, grace, "wrong metadata", act=Act.YANK, version_range="==1.1")
    browser = logged_in(app, grace)
    for what, before, after in (
        ("lift", "<td>on hold: slow (note 1)", "<td>yanked: wrong metadata"),
        ("resume", "<td>yanked: wrong metadata", "<td>on hold: slow (note 1)"),
    ):
        with counted_statements() as found:
            shown = browser.get(f"/notes/{note_id}/{what}").text
        assert shown.index(before) < shown.index(after)
        # SQLite's own `BEGIN` locks nothing; that of a write is `BEGIN IMMEDIATE`.
        assert [one for one in found if one != "BEGIN" and not one.startswith("SELECT")] == []
        assert not [one for one in found if "FOR UPDATE" in one]
        assert browser.submit(f"/notes/{note_id}/{what}").status_code == 303


def test_who_may_act_how_on_what_from_where(app: Flask, session: Session, grace: User) -> None:
    """Every act, role, origin and visibility."""
    add_releases(session, "far", {"1.0": []})
    people = {
        "member": make_user(session, "mel"),
        "maintainer": make_user(session, "max"),
        "owner": make_user(session, "olga"),
        "curator": make_user(session, "carl", role=Role.CURATOR),
        "admin": grace,
    }
    with write_transaction(session):
        session.get_one(Package, "far").origin = "mirrored"
        for name in ("demo", "far"):
            for role in (MaintainerRole.MAINTAINER, MaintainerRole.OWNER):
                package = session.get_one(Package, name)
                set_maintainer(session, ACTOR, package, people[role.value], role)
    caring = {"warn", "yank", "deprecate", "archive"}
    guarding = {"hold", "quarantine"}
    may = {
        ("hosted", "member"): set(),
        ("hosted", "maintainer"): caring,
        ("hosted", "owner"): caring,
        ("hosted", "curator"): guarding,
        ("hosted", "admin"): caring | guarding,
        ("mirrored", "member"): set(),
        ("mirrored", "maintainer"): set(),
        ("mirrored", "owner"): set(),
        ("mirrored", "curator"): caring | guarding,
        ("mirrored", "admin"): caring | guarding,
    }
    for (origin, role), allowed in may.items():
        browser = logged_in(app, people[role])
        package = "demo" if origin == "hosted" else "far"
        page = browser.get(f"/notes/new?package={package}").text
        token = forms_of(page)[-1].fields["csrf_token"]
        for act in Act:
            place = (origin, role, act.value)
            offered = f'value="{act}" disabled' not in page
            assert offered == (act == Act.NONE or act in allowed), place
            for visibility in Visibility:
                sent = {
                    "csrf_token": token, "title": "T", "visibility": visibility.value,
                    "package": package, "act": act.value, "do": "act",
                }  # fmt: skip
                if act != Act.NONE:
                    # The answer before anything is saved is the same; a note needs no cleaning up.
                    sent["do"] = "save"
                answer = browser.post("/notes/new", sent)
                if act == Act.NONE:
                    expected = 303
                else:
                    right = act in allowed and visibility != Visibility.PRIVATE
                    expected = 200 if right else 400
                assert answer.status_code == expected, (*place, visibility, answer.text)
    session.rollback()
    assert session.scalars(select(StandingAct)).all() == []


def test_who_will_feel_it_is_told_to_those_who_may_know(
    app: Flask, session: Session, grace: User
) -> None:
    max_, mel = make_user(session, "max"), make_user(session, "mel")
    build, _ = make_token(session, mel, scope=Scope.READ, name="build")
    add_releases(session, "site-app", {"1.0": []})
    package = session.get_one(Package, "demo")
    keys = {release.version: release.id for release in package.releases}
    now = datetime.now(UTC)
    with write_transaction(session):
        set_maintainer(
            session, ACTOR, session.get_one(Package, "demo"), max_, MaintainerRole.MAINTAINER
        )
        add_downloads(
            session,
            {
                "created_at": now,
                "release_id": keys["1.1"],
                "user_id": mel.id,
                "token_id": build.id,
                "installer": "uv",
            },
            {
                "created_at": now,
                "release_id": keys["1.0"],
                "ip_address": "10.1.2.3",
                "installer": "pip",
            },
            {
                "created_at": now,
                "release_id": keys["1.1"],
                "ip_address": "10.9.9.9",
                "installer": "pip",
            },
            {
                "created_at": now - timedelta(days=91),
                "release_id": keys["1.1"],
                "ip_address": "10.8.8.8",
            },
        )
    path = "/project/demo/1.1/impact/"
    seen = {user.username: logged_in(app, user).get(path).text for user in (grace, max_, mel)}
    assert all(
        "2 downloads in 90 days, by 1 known user; 1 by nobody" in text for text in seen.values()
    )
    assert [name for name, text in seen.items() if 'href="/user/mel/">mel</a></td>' in text] == [
        "grace",
        "max",
    ]
    assert [name for name, text in seen.items() if "10.9.9.9" in text] == ["grace"]
    assert "10.1.2.3" not in seen["grace"]
    assert "10.8.8.8" not in seen["grace"]
    assert (
        "10.1.2.3"
        in logged_in(app, grace)
        .get("/project/Demo/impact/?versions=1.0", follow_redirects=True)
        .text
    )
    assert "is no range" in logged_in(app, grace).get("/project/demo/impact/?versions=x").text
    assert Browser(app).get(path).status_code == 303

    client = app.test_client()
    address = "/api/v1/packages/demo/impact?versions=>=1.1"
    assert client.get(address).status_code == 401
    for scope, named in ((Scope.READ, 0), (Scope.NOTES, 1)):
        headers = {"Authorization": basic("__token__", make_token(session, grace, scope=scope)[1])}
        told: dict[str, Any] = client.get(address, headers=headers).json
        assert (told["downloads"], told["versions"], len(told["people"])) == (
            2,
            ["1.2", "1.1"],
            named,
        )
    assert told["people"][0]["username"] == "mel"


def test_what_is_due_is_listed_for_those_who_have_a_say(
    app: Flask, session: Session, grace: User
) -> None:
    past = datetime.now(UTC) - timedelta(days=2)
    make_note(session, grace, "look again", act=Act.YANK, review_at=past)
    make_note(session, grace, "not yet", act=Act.YANK, review_at=past + timedelta(days=9))
    member = logged_in(app, make_user(session, "mel"))
    for browser, told in ((logged_in(app, grace), True), (member, False)):
        assert ("To be looked at again" in browser.get("/").text) is told
        listed = browser.get("/notes/?show=due").text
        assert "look again" in listed
        assert "not yet" not in listed
    page = logged_in(app, grace).get("/notes/new?package=demo&versions=1.1&act=hold").text
    assert 'value="hold" checked' in page
    assert 'value="team"' in page
