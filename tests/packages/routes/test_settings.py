"""The settings page of a package."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_token, make_user
from tests.helpers.browsing import Browser, csrf_token_of, forms_of
from tests.helpers.notes import yank
from tests.helpers.packages import add_releases
from werkzeug.test import TestResponse

from packslip.accounts.models import Role, User
from packslip.db import write_transaction
from packslip.events.models import Action, Event
from packslip.events.operations import Actor, record
from packslip.packages import operations
from packslip.packages.models import Maintainer, MaintainerRole, PackageInvitation, Release

PAGE = "/project/demo/settings/"
HOSTILE = "<script>alert(1)</script>"

#: Every address below the page, with what it takes.
ACTIONS: dict[str, dict[str, str]] = {
    "invite": {"username": "dora", "role": "maintainer"},
    "withdraw": {"username": "eve"},
    "role": {"username": "bob", "role": "owner"},
    "remove": {"username": "bob"},
    "leave": {},
    "hand-over": {"heir": "bob"},
    "yank": {"version": "1.0", "reason": "broken"},
    "unyank": {"version": "2.0"},
    "archive": {"title": "done"},
    "lift": {"note": "1"},
}


@pytest.fixture
def people(session: Session) -> dict[str, User]:
    """The owner ada, the maintainer bob, the admin carl, the stranger dora, the invited eve."""
    users = {name: make_user(session, name) for name in ("ada", "bob", "dora", "eve")}
    users["carl"] = make_user(session, "carl", role=Role.ADMIN)
    package = add_releases(session, "Demo", {"1.0": [], "2.0": []}, owner=users["ada"])
    with write_transaction(session):
        operations.set_maintainer(session, ACTOR, package, users["bob"], MaintainerRole.MAINTAINER)
        yank(session, package.releases[0], "old")
        session.add(PackageInvitation(user=users["eve"], package=package, role="owner"))
    return users


@pytest.fixture
def browse(app: Flask, people: dict[str, User]) -> Callable[[str], Browser]:
    """A browser in which somebody is logged in."""
    ids = {name: user.id for name, user in people.items()}

    def browse(name: str) -> Browser:
        browser = Browser(app)
        browser.log_in_as(ids[name])
        return browser

    return browse


Browse = Callable[[str], Browser]


def send(browser: Browser, action: str, **values: str) -> TestResponse:
    """Post to an address without its form being on the page, as somebody hostile does."""
    token = csrf_token_of(browser.get("/account/").text)
    return browser.post(PAGE + action, {"csrf_token": token, **values})


def roles(session: Session) -> dict[str, str]:
    session.rollback()
    return {m.user.username: m.role for m in session.scalars(select(Maintainer))}


def state(session: Session) -> tuple[Any, ...]:
    session.rollback()
    return (
        roles(session),
        {one.user.username: one.role for one in session.scalars(select(PackageInvitation))},
        {release.version: release.yanked_reason for release in session.scalars(select(Release))},
        session.query(Event).count(),
    )


def test_who_is_not_logged_in_is_sent_to_log_in(app: Flask, people: dict[str, User]) -> None:
    response = Browser(app).get(PAGE)
    assert (response.status_code, response.location) == (
        303,
        "/account/login?next=/project/demo/settings/",
    )


@pytest.mark.parametrize(
    ("who", "allowed"),
    [
        ("ada", set(ACTIONS)),
        ("bob", {"leave", "yank", "unyank", "archive", "lift"}),
        ("carl", set(ACTIONS) - {"leave", "hand-over"}),
        ("dora", set()),
        ("eve", set()),
    ],
)
def test_who_may_do_what(session: Session, browse: Browse, who: str, allowed: set[str]) -> None:
    browser = browse(who)
    page = browser.get(PAGE)
    assert page.status_code == (200 if allowed else 403)
    assert page.headers["Cache-Control"] == "no-store"
    offered = {
        form.action.removeprefix(PAGE) for form in forms_of(page.text) if PAGE in form.action
    }
    # The only owner is told that they cannot leave.
    assert offered == allowed - ({"leave"} if who == "ada" else set())
    before = state(session)
    for action in set(ACTIONS) - allowed:
        response = send(browser, action, **ACTIONS[action])
        # An admin without a part in the package has none to leave or to hand over.
        assert response.status_code == (400 if who == "carl" else 403), action
    assert state(session) == before
    for action in ("yank", "unyank", "invite", "withdraw", "role", "hand-over"):
        if action in allowed:
            assert send(browser, action, **ACTIONS[action]).status_code == 303, action


def test_nothing_is_changed_without_the_token_of_the_session(
    session: Session, browse: Browse
) -> None:
    browser, before = browse("ada"), state(session)
    for action, values in ACTIONS.items():
        assert browser.post(PAGE + action, values).status_code == 400, action
        assert browser.get(PAGE + action).status_code == 405, action
    assert state(session) == before


def test_somebody_is_invited_and_accepts(session: Session, browse: Browse) -> None:
    owner, invited = browse("ada"), browse("dora")
    sent = owner.submit(PAGE, PAGE + "invite", username="Dora", role="owner")
    assert (sent.status_code, sent.location) == (303, PAGE)
    page = owner.get(PAGE).text
    assert "dora is invited to become owner" in page
    assert "Withdraw the invitation of dora" in page
    assert "ada</a> invites you to become owner" in " ".join(invited.get("/account/").text.split())
    accept = "/account/invitations/demo/accept"
    assert invited.submit("/account/", accept).location == "/account/"
    assert "You are owner of Demo now." in invited.get("/account/").text
    assert roles(session)["dora"] == "owner"
    assert invited.get(PAGE).status_code == 200
    assert invited.post(accept, {}).status_code == 400


def test_an_invitation_is_withdrawn_or_declined(session: Session, browse: Browse) -> None:
    owner, invited = browse("ada"), browse("eve")
    open_page = invited.get("/account/").text
    assert owner.submit(PAGE, PAGE + "withdraw", username="eve").status_code == 303
    assert "/account/invitations/" not in invited.get("/account/").text
    token = csrf_token_of(open_page)
    stale = invited.post("/account/invitations/demo/accept", {"csrf_token": token})
    assert stale.status_code == 404
    assert "no open invitation" in stale.text
    assert owner.submit(PAGE, PAGE + "invite", username="eve").status_code == 303
    assert invited.submit("/account/", "/account/invitations/demo/decline").status_code == 303
    assert "Open invitations" not in owner.get(PAGE).text
    assert "eve" not in roles(session)


#: What is sent where, and what is said about it.
FAULTS: list[tuple[str, dict[str, str], str]] = [
    ("invite", {"username": "nobody", "role": "owner"}, "no user &#39;nobody&#39;"),
    ("invite", {"username": HOSTILE, "role": "owner"}, "&lt;script&gt;"),
    ("invite", {"username": ""}, "Enter a username."),
    ("invite", {"username": "bob", "role": "owner"}, "is maintainer of the package"),
    ("invite", {"username": "dora", "role": "king"}, "Not a valid choice"),
    ("withdraw", {"username": "dora"}, "no open invitation"),
    ("role", {"username": "ada", "role": "maintainer"}, "is the only owner"),
    ("role", {"username": "dora", "role": "owner"}, "is no maintainer"),
    ("remove", {"username": "ada"}, "is the only owner"),
    ("remove", {"username": "dora"}, "is no maintainer"),
    ("remove", {}, "Say who."),
    ("leave", {}, "is the only owner"),
    ("hand-over", {"heir": "dora"}, "is no maintainer"),
    ("hand-over", {"heir": "ada"}, "cannot be handed over"),
    ("hand-over", {}, "no user"),
    ("yank", {"version": "1.0", "reason": "two\nlines"}, "must be one line"),
    ("yank", {"version": "9.9", "reason": ""}, "no release &#39;9.9&#39;"),
    ("yank", {"version": "\0", "reason": ""}, "no release"),
    ("yank", {}, "no release"),
    ("unyank", {}, "Say which release."),
]


def test_what_is_wrong_stands_on_the_page(session: Session, browse: Browse) -> None:
    browser, before = browse("ada"), state(session)
    for action, values, words in FAULTS:
        response = send(browser, action, **values)
        assert (response.status_code, words in response.text) == (400, True), (action, values)
        assert 'aria-current="page">Settings<' in response.text
        assert HOSTILE not in response.text
    assert state(session) == before


def test_what_was_typed_is_kept(browse: Browse) -> None:
    page = send(browse("ada"), "yank", version="1.0", reason="x" * 201).text
    assert f'value="{"x" * 201}"' in page
    page = send(browse("ada"), "invite", username="nobody", role="owner").text
    assert 'value="nobody"' in page
    assert '<option selected value="owner">' in page


def test_releases_are_yanked_and_unyanked_with_a_reason(session: Session, browse: Browse) -> None:
    browser = browse("bob")
    browser.submit(PAGE, PAGE + "yank", version="1.0", reason="drops sessions")
    browser.submit(PAGE, PAGE + "unyank", version="2.0")
    releases = {release.version: release for release in session.scalars(select(Release))}
    session.rollback()
    assert releases["1.0"].yanked_reason == "drops sessions (note 2)"
    assert not releases["2.0"].yanked
    page = browser.get(PAGE).text
    assert "yanked: drops sessions" in page
    assert "bob</a></td>" in page
    assert "began to yank demo ==1.0 by the note 2" in page
    assert "lifted the yank of demo ==2.0 by the note 1" in page


def test_an_owner_hands_over_and_leaves(session: Session, browse: Browse) -> None:
    browser = browse("ada")
    assert "You are the only owner" in browser.get(PAGE).text
    assert browser.submit(PAGE, PAGE + "hand-over", heir="bob").location == PAGE
    assert roles(session) == {"ada": "maintainer", "bob": "owner"}
    assert browser.submit(PAGE, PAGE + "leave").location == "/project/demo/"
    assert roles(session) == {"bob": "owner"}
    assert browser.get(PAGE).status_code == 403


def test_who_was_disabled_meanwhile_does_nothing(session: Session, browse: Browse) -> None:
    browser = browse("ada")
    token = csrf_token_of(browser.get(PAGE).text)
    with write_transaction(session):
        user = session.scalars(select(User).where(User.username == "ada")).one()
        user.disabled_at = datetime.now(UTC)
    before = state(session)
    values = {"csrf_token": token, **ACTIONS["invite"]}
    assert browser.post(PAGE + "invite", values).status_code == 303
    assert state(session) == before


def test_addresses_of_people_are_shown_to_who_manages(session: Session, browse: Browse) -> None:
    with write_transaction(session):
        actor = Actor("ada", user_id=1, ip_address="192.0.2.7")
        record(session, actor, Action.RELEASE_YANK, package_id="demo", data={"version": "1.0"})
    seen = {name: "192.0.2.7" in browse(name).get(PAGE).text for name in ("ada", "bob", "carl")}
    assert seen == {"ada": True, "bob": False, "carl": True}


def test_history_has_pages(session: Session, browse: Browse) -> None:
    with write_transaction(session):
        for number in range(120):
            data = {"version": f"7.{number}"}
            record(session, ACTOR, Action.RELEASE_CREATE, package_id="demo", data=data)
    browser, path, seen = browse("ada"), PAGE, []
    for _ in range(3):
        page = browser.get(path).text
        seen.append([number for number in range(120) if f"demo 7.{number}<" in page])
        _, _, rest = page.partition('href="/project/demo/settings/?before=')
        path = f"{PAGE}?before={rest.partition('#')[0]}"
    assert [len(numbers) for numbers in seen] == [50, 50, 20]
    assert sorted(itertools.chain(*seen)) == list(range(120))
    for odd in ("0", "-1", "x", "9" * 30, "1&before=2"):
        assert browser.get(f"{PAGE}?before={odd}").status_code == 200


def test_only_own_tokens_for_this_package_alone_are_named(
    session: Session, people: dict[str, User], browse: Browse
) -> None:
    ada, bob = people["ada"], people["bob"]
    make_token(session, ada, name="mine-here", packages=["demo"])
    make_token(session, ada, name="mine-everywhere")
    make_token(session, ada, name="mine-elsewhere", packages=["other"])
    make_token(session, bob, name="theirs", packages=["demo"])
    page = browse("ada").get(PAGE).text
    named = [
        name
        for name in ("mine-here", "mine-everywhere", "mine-elsewhere", "theirs")
        # The history tells of none of them either: it is the package's.
        if name in page
    ]
    assert named == ["mine-here"]


def test_other_spellings_and_unknown_names(browse: Browse) -> None:
    browser = browse("ada")
    assert browser.get("/project/Demo/settings/?before=9").location == f"{PAGE}?before=9"
    for name in ("unknown", "%00", "-bad-"):
        assert browser.get(f"/project/{name}/settings/").status_code == 404, name


def test_the_package_page_links_to_it_for_whom_it_is(app: Flask, browse: Browse) -> None:
    browsers = {"nobody": Browser(app)} | {n: browse(n) for n in ("ada", "bob", "carl", "dora")}
    linked = {name: PAGE in one.get("/project/demo/").text for name, one in browsers.items()}
    assert linked == {"nobody": False, "ada": True, "bob": True, "carl": True, "dora": False}
