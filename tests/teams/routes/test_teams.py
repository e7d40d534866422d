"""The pages of teams."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.browsing import Browser, csrf_token_of
from tests.helpers.packages import add_releases
from tests.helpers.teams import make_team
from werkzeug.test import TestResponse

from packslip.accounts.models import Role, User
from packslip.db import write_transaction
from packslip.packages.models import MaintainerRole
from packslip.packages.queries import get_package
from packslip.packages.roles import find_role
from packslip.packages.team_models import TeamRole
from packslip.teams.operations import set_by_groups
from packslip.teams.queries import find_team, get_team, list_members, list_prefixes_given

PAGE = "/teams/data/"

#: Every address below a team's page, with what it takes.
ACTIONS: dict[str, dict[str, str]] = {
    "describe": {"description": "Lakes."},
    "add": {"username": "dora", "role": "member"},
    "remove": {"username": "bob"},
    "leave": {},
    "give-prefix": {"prefix": "other", "role": "owner"},
    "take-prefix": {"prefix": "acme"},
    "delete": {},
}

#: Who may do which of them.
ALLOWED = {
    "ada": {"describe", "add", "remove", "leave"},
    "bob": {"leave"},
    "carl": set(ACTIONS) - {"leave"},
    "dora": set(),
}

Browse = Callable[[str], Browser]


@pytest.fixture
def people(session: Session) -> dict[str, User]:
    """The manager ada and the member bob of the team data, the admin carl, the stranger dora."""
    users = {name: make_user(session, name) for name in ("ada", "bob", "dora")}
    users["carl"] = make_user(session, "carl", role=Role.ADMIN)
    add_releases(session, "acme-web", owner=users["dora"])
    make_team(
        session,
        "data",
        users["bob"],
        managers=(users["ada"],),
        packages={"acme-web": "maintainer"},
        prefixes={"acme": "maintainer"},
    )
    return users


@pytest.fixture
def browse(app: Flask, people: dict[str, User]) -> Browse:
    """A browser in which somebody is logged in."""
    ids = {name: user.id for name, user in people.items()}

    def browse(name: str) -> Browser:
        browser = Browser(app)
        browser.log_in_as(ids[name])
        return browser

    return browse


def send(browser: Browser, address: str, **values: str) -> TestResponse:
    """Post to an address without its form being on the page, as somebody hostile does."""
    token = csrf_token_of(browser.get("/account/").text)
    return browser.post(address, {"csrf_token": token, **values})


def members(session: Session) -> dict[str, TeamRole]:
    session.rollback()
    found = list_members(session, get_team(session, "data"))
    return {one.user.username: one.role for one in found}


@pytest.mark.parametrize("who", ALLOWED)
def test_who_may_do_what(session: Session, browse: Browse, who: str) -> None:
    for action, values in ACTIONS.items():
        if action == "delete" and who != "carl":
            assert send(browse(who), PAGE + action, **values).status_code == 403
            continue
        answer = send(browse(who), PAGE + action, **values)
        expected = {303} if action in ALLOWED[who] else {403}
        if action == "leave" and action not in ALLOWED[who]:
            # They are in no team that they could leave.
            expected = {400}
        assert answer.status_code in expected, (who, action, answer.text[-800:])


def test_strangers_are_asked_to_log_in(app: Flask, people: dict[str, User]) -> None:
    for address in ("/teams/", PAGE, "/project/acme-web/settings/teams/"):
        assert "/account/login" in Browser(app).get(address).headers["Location"]
    assert Browser(app).post(PAGE + "delete").status_code in (303, 400, 401)


def test_everybody_with_an_account_sees_who_is_in_a_team_and_what_it_has(browse: Browse) -> None:
    page = browse("dora").get(PAGE).text
    for text in (">ada</a>", ">bob</a>", ">acme-web</a>", "acme-…", "1 package now"):
        assert text in page
    for text in ("Take in", "Remove bob", "Give it a prefix", "Leave data"):
        assert text not in page
    assert ">data</a>" in browse("dora").get("/teams/").text
    assert "you are member" in browse("bob").get("/teams/").text


def test_only_admins_make_teams(session: Session, browse: Browse) -> None:
    assert 'name="description"' not in browse("ada").get("/teams/").text
    assert send(browse("ada"), "/teams/", name="core").status_code == 403
    answer = browse("carl").submit("/teams/", name="Core", description="The kernel.")
    assert (answer.status_code, answer.location) == (303, "/teams/core/")
    session.rollback()
    assert get_team(session, "core").description == "The kernel."
    for name in ("core", "no good", ""):
        refused = browse("carl").submit("/teams/", name=name)
        assert refused.status_code == 400
        assert 'id="name-fault"' in refused.text


def test_a_manager_takes_in_promotes_and_removes(session: Session, browse: Browse) -> None:
    ada = browse("ada")
    ada.submit(PAGE, PAGE + "add", username="Dora", role="member")
    assert members(session)["dora"] is TeamRole.MEMBER
    assert ada.submit(PAGE, PAGE + "add", username="dora", role="manager").status_code == 303
    assert members(session)["dora"] is TeamRole.MANAGER
    assert send(ada, PAGE + "remove", username="dora").status_code == 303
    assert members(session) == {"ada": TeamRole.MANAGER, "bob": TeamRole.MEMBER}
    refused = ada.submit(PAGE, PAGE + "add", username="nobody", role="member")
    assert refused.status_code == 400
    assert "no user &#39;nobody&#39;" in refused.text


def test_a_place_by_groups_is_shown_and_stays(
    session: Session, people: dict[str, User], browse: Browse
) -> None:
    with write_transaction(session):
        team = get_team(session, "data")
        set_by_groups(session, ACTOR, team, people["dora"], TeamRole.MEMBER)
    page = browse("ada").get(PAGE).text
    assert "by single sign-on" in page
    assert "Remove dora" not in page
    refused = send(browse("ada"), PAGE + "remove", username="dora")
    assert refused.status_code == 400
    assert "by a group of single sign-on" in refused.text
    assert "Leave data" not in browse("dora").get(PAGE).text


def test_prefixes_are_given_and_taken(session: Session, browse: Browse) -> None:
    carl = browse("carl")
    refused = carl.submit(PAGE, PAGE + "give-prefix", prefix="a/b", role="owner")
    assert refused.status_code == 400
    assert 'id="prefix-fault"' in refused.text
    carl.submit(PAGE, PAGE + "give-prefix", prefix="Web-*", role="owner")
    carl.submit(PAGE, PAGE + "take-prefix", prefix="acme")
    session.rollback()
    found = list_prefixes_given(session, get_team(session, "data"))
    assert [(one.prefix, one.role, one.packages) for one in found] == [("web", "owner", 0)]


def test_a_team_that_is_the_only_owner_is_not_removed(
    session: Session, people: dict[str, User], browse: Browse
) -> None:
    add_releases(session, "lonely")
    make_team(session, "core", packages={"lonely": "owner"})
    refused = browse("carl").submit("/teams/core/", "/teams/core/delete")
    assert refused.status_code == 400
    assert "Nobody but the team &#39;core&#39; owns &#39;lonely&#39;" in refused.text
    assert browse("carl").submit(PAGE, PAGE + "delete").location == "/teams/"
    session.rollback()
    assert find_team(session, "data") is None


def test_what_is_not_there_is_not_found(browse: Browse) -> None:
    ada = browse("ada")
    assert ada.get("/teams/other/").status_code == 404
    assert ada.get("/teams/DATA/").headers["Location"].endswith(PAGE)
    for action, values in ACTIONS.items():
        assert send(ada, f"/teams/other/{action}", **values).status_code == 404


def test_who_has_left_or_was_demoted_meanwhile_changes_nothing(
    session: Session, people: dict[str, User], browse: Browse
) -> None:
    ada = browse("ada")
    token = csrf_token_of(ada.get(PAGE).text)
    send(browse("carl"), PAGE + "remove", username="ada")
    late = {"csrf_token": token, "username": "bob", "role": "manager"}
    assert ada.post(PAGE + "add", late).status_code == 403
    assert members(session) == {"bob": TeamRole.MEMBER}


SETTINGS = "/project/acme-web/settings/teams/"


@pytest.mark.parametrize(
    ("who", "sees", "changes"),
    [("dora", True, True), ("carl", True, True), ("bob", True, False), ("ada", True, False)],
)
def test_owners_give_packages_to_teams(
    session: Session, browse: Browse, who: str, sees: bool, changes: bool
) -> None:
    browser = browse(who)
    assert (browser.get(SETTINGS).status_code == 200) == sees
    given = send(browser, SETTINGS + "give", team="data", role="owner")
    assert given.status_code == (303 if changes else 403)
    taken = send(browser, SETTINGS + "take", team="data")
    assert taken.status_code == (303 if changes else 403)


def test_strangers_to_a_package_see_nothing_of_its_settings(
    session: Session, app: Flask, browse: Browse
) -> None:
    browse("ada")
    eve = make_user(session, "eve")
    browser = Browser(app)
    browser.log_in_as(eve.id)
    assert browser.get(SETTINGS).status_code == 403
    assert send(browser, SETTINGS + "give", team="data", role="owner").status_code == 403


def test_a_package_is_given_and_taken(
    session: Session, people: dict[str, User], browse: Browse
) -> None:
    dora = browse("dora")
    page = dora.get(SETTINGS).text
    assert "As it has the prefix" in page
    dora.submit(SETTINGS, SETTINGS + "give", team="data", role="owner")
    session.rollback()
    assert find_role(session, "acme-web", people["bob"]) is MaintainerRole.OWNER
    assert "Make the team data maintainer" in dora.get(SETTINGS).text
    answer = dora.submit(SETTINGS, SETTINGS + "take", team="data")
    assert answer.location == SETTINGS
    session.rollback()
    assert find_role(session, "acme-web", people["bob"]) is MaintainerRole.MAINTAINER
    refused = dora.submit(SETTINGS, SETTINGS + "give", team="nobody", role="owner")
    assert refused.status_code == 400
    assert "There is no team &#39;nobody&#39;" in refused.text


def test_who_gives_away_what_they_have_is_led_to_the_package(
    session: Session, people: dict[str, User], browse: Browse
) -> None:
    add_releases(session, "other", owner=people["dora"])
    make_team(session, "core", people["bob"], packages={"other": "owner"})
    page = "/project/other/settings/teams/"
    assert browse("bob").submit(page, page + "take", team="core").location == "/project/other/"


def test_pages_tell_of_teams(
    session: Session, app: Flask, people: dict[str, User], browse: Browse
) -> None:
    bob = browse("bob")
    assert 'href="/teams/data/"' in bob.get("/account/").text
    assert "maintainer through a team" in bob.get("/account/").text
    assert ">acme-web</a>" in bob.get("/").text
    assert 'href="/teams/data/"' in bob.get("/project/acme-web/").text
    assert 'href="/teams/data/"' in bob.get("/project/acme-web/settings/").text
    assert 'href="/teams/data/"' in bob.get("/user/bob/").text
    assert "/project/acme-web/" in bob.get("/user/bob/").text
    nobody = Browser(app)
    page = nobody.get("/project/acme-web/").text
    assert "<dt>Teams here</dt><dd>data" in page
    assert "/teams/data/" not in page
    assert "/teams/data/" not in nobody.get("/user/bob/").text
    assert "through a team" in browse("carl").get("/admin/users/bob/").text


def test_a_team_of_a_package_that_is_gone_has_it_no_more(session: Session, browse: Browse) -> None:
    with write_transaction(session):
        session.delete(get_package(session, "acme-web"))
    assert "acme-web" not in browse("bob").get(PAGE).text
