"""Logging in through a provider, over real HTTP to it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select, update
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.app import make_app
from tests.helpers.browsing import Browser
from tests.helpers.packages import add_demo
from tests.helpers.provider import Provider
from tests.helpers.sso import BEGIN, Maker, actions, bring, go, session_of
from tests.helpers.teams import make_team

from packslip.accounts.models import LinkedIdentity, LoginSession, Role, User
from packslip.accounts.site_roles import set_role
from packslip.db import db, write_transaction
from packslip.events.models import Event
from packslip.packages.models import Maintainer, Package
from packslip.packages.team_models import TeamRole
from packslip.teams.operations import set_member
from packslip.teams.queries import get_team, list_memberships


def test_whoever_is_new_gets_an_account_and_later_the_same_one(
    tmp_path: Path, database_url: str, provider: Provider
) -> None:
    app = make_app(
        tmp_path,
        database_url,
        **provider.settings(PACKSLIP_SSO_REGISTRATION="create"),
    )
    with app.app_context():
        first = go(Browser(app), provider, f"{BEGIN}?next=/project/demo/")
        assert (first.status_code, first.headers["Location"]) == (303, "/project/demo/")
        # Names and addresses may pass to others; the subject does not.
        provider.person |= {"preferred_username": "countess", "email": "other@example.com"}
        browser = Browser(app)
        assert go(browser, provider).headers["Location"] == "/"
        session = session_of(app)
        user = session.scalars(select(User)).one()
        assert (user.username, user.name, user.email) == ("ada", "Ada Lovelace", "ada@example.com")
        assert user.email_confirmed_at is not None
        assert user.hashed_password is None
        assert actions(session) == [
            "user.register",
            "identity.link",
            "user.log-in",
            "user.log-in",
        ]
        assert set(session.scalars(select(LoginSession.method))) == {"single sign-on"}
        assert "with single sign-on" in browser.get("/account/sessions/").text


@pytest.mark.parametrize("person", [{"email_verified": False}, {"email_verified": "true"}, {}])
def test_an_address_alone_leads_into_nobodys_account(
    index: Maker, provider: Provider, person: dict[str, object]
) -> None:
    app = index(registration="create", linking="email" if person else "password")
    owner = make_user(db.session(), "ada", email_confirmed=True)
    provider.person |= person
    answer = go(Browser(app), provider)
    session = session_of(app)
    assert session.scalars(select(LoginSession).where(LoginSession.user_id == owner.id)).all() == []
    assert session.scalars(select(LinkedIdentity.user_id)).all() != [owner.id]
    if person:
        # What the provider has not confirmed is not taken over: the new account has no address.
        made = session.scalars(select(User).where(User.username == "ada-lovelace")).one()
        assert made.email is None
    else:
        assert answer.headers["Location"] == "/account/login"


def test_a_confirmed_address_links_where_the_setting_says_so(
    index: Maker, provider: Provider
) -> None:
    app = index(linking="email")
    owner = make_user(db.session(), "ada", email_confirmed=False)
    go(Browser(app), provider)
    # Whoever typed that address here may be somebody else.
    assert session_of(app).scalars(select(LinkedIdentity)).all() == []
    with write_transaction(db.session()) as session:
        session.execute(update(User).values(email_confirmed_at=datetime.now(UTC)))
    go(Browser(app), provider)
    assert session_of(app).scalars(select(LinkedIdentity.user_id)).one() == owner.id


def test_nobody_comes_in_without_an_account_if_none_are_made(
    index: Maker, provider: Provider
) -> None:
    app = index()
    browser = Browser(app)
    answer = go(browser, provider)
    assert answer.headers["Location"] == "/account/login"
    assert "no account here can be used with that" in browser.get("/account/login").text
    assert session_of(app).scalars(select(User)).all() == []
    event = session_of(app).scalars(select(Event)).one()
    assert (event.action, event.actor_name) == ("user.log-in-fail", "not logged in")


def test_accounts_are_made_for_whoever_is_in_a_group(index: Maker, provider: Provider) -> None:
    app = index(registration="groups", roles="staff=member, /admins=admin")
    provider.person["groups"] = ["guests"]
    go(Browser(app), provider)
    assert session_of(app).scalars(select(User)).all() == []
    provider.person["groups"] = ["staff"]
    go(Browser(app), provider)
    assert session_of(app).scalars(select(User.role)).one() == "member"


def test_roles_come_and_go_with_groups_and_those_by_hand_stay(
    tmp_path: Path, database_url: str, provider: Provider
) -> None:
    app = make_app(
        tmp_path,
        database_url,
        **provider.settings(
            PACKSLIP_SSO_REGISTRATION="create",
            PACKSLIP_SSO_ROLES="admins=admin, staff=curator, staff=maintainer:demo,"
            " platform=owner:demo",
        ),
    )
    with app.app_context():
        root = make_user(db.session(), "root", role=Role.ADMIN)
        db.session().add(Package(id="demo", name="demo", maintainers=[Maintainer(user=root)]))
        db.session().commit()

        def roles(*groups: str) -> tuple[str, str | None]:
            provider.person["groups"] = list(groups)
            go(Browser(app), provider)
            session = session_of(app)
            user = session.scalars(select(User).where(User.username == "ada")).one()
            row = session.get(Maintainer, (user.id, "demo"))
            return user.role, row and row.role

        def by_hand(role: Role) -> None:
            with write_transaction(db.session()) as session:
                user = session.scalars(select(User).where(User.username == "ada")).one()
                set_role(session, ACTOR, user, role)

        assert roles() == ("member", None)
        assert roles("staff") == ("curator", "maintainer")
        assert roles("admins", "platform", "staff") == ("admin", "owner")
        assert roles("staff") == ("curator", "maintainer")
        by_hand(Role.ADMIN)
        assert roles("staff") == ("admin", "maintainer")
        assert roles() == ("admin", None)
        by_hand(Role.CURATOR)
        assert roles("admins") == ("admin", None)
        assert roles() == ("curator", None)
        found = actions(session_of(app))
        assert found.count("user.change-role") == 7
        assert found.count("maintainer.add") - found.count("maintainer.remove") == 0


def test_the_last_admin_and_an_only_owner_stay_without_their_group(
    index: Maker, provider: Provider
) -> None:
    app = index(registration="create", roles="admins=admin, admins=owner:demo")
    add_demo(db.session())
    provider.person["groups"] = ["admins"]
    go(Browser(app), provider)
    provider.person["groups"] = []
    go(Browser(app), provider)
    session = session_of(app)
    ada = session.scalars(select(User).where(User.username == "ada")).one()
    assert ada.role == "admin"
    assert session.get_one(Maintainer, (ada.id, "demo")).role == "owner"
    # As soon as there is another one, what the groups gave goes.
    make_user(session, "root", role=Role.ADMIN)
    go(Browser(app), provider)
    session = session_of(app)
    assert session.get_one(User, ada.id).role == "member"


def test_groups_give_places_in_teams_and_take_them_back(index: Maker, provider: Provider) -> None:
    roles = "data=team-member:data, leads=team-manager:Data, data=team-member:to-come"
    app = index(registration="groups", roles=roles)
    make_team(db.session(), "data")

    def places(*groups: str) -> dict[str, str]:
        provider.person["groups"] = list(groups)
        go(Browser(app), provider)
        session = session_of(app)
        ada = session.scalars(select(User).where(User.username == "ada")).one()
        return {one.team.name: one.role.value for one in list_memberships(session, ada)}

    assert places("data") == {"data": "member"}
    assert places("data", "leads") == {"data": "manager"}
    assert places() == {}
    make_team(db.session(), "to-come")
    assert places("data") == {"data": "member", "to-come": "member"}
    # What somebody here gave stays.
    with write_transaction(db.session()) as session:
        ada = session.scalars(select(User).where(User.username == "ada")).one()
        team = get_team(session, "data")
        set_member(session, ACTOR, team, ada, TeamRole.MANAGER)
    assert places() == {"data": "manager"}


def test_groups_that_are_too_many_to_be_told_let_nobody_in(
    index: Maker, provider: Provider
) -> None:
    app = index(registration="create", roles="admins=admin")
    provider.lies = {"groups": None, "_claim_names": {"groups": "src1"}}
    assert go(Browser(app), provider).headers["Location"] == "/account/login"
    assert session_of(app).scalars(select(User)).all() == []


def test_whoever_is_disabled_stays_out(index: Maker, provider: Provider) -> None:
    app = index(registration="create")
    go(Browser(app), provider)
    with write_transaction(db.session()) as session:
        session.execute(update(User).values(disabled_at=datetime.now(UTC)))
    browser = Browser(app)
    assert go(browser, provider).headers["Location"] == "/account/login"
    assert "no account here can be used with that" in browser.get("/account/login").text


def test_an_answer_counts_once_and_in_the_browser_that_asked(
    index: Maker, provider: Provider
) -> None:
    app = index(registration="create")
    browser = Browser(app)
    answer = provider.answer(browser.get(BEGIN).headers["Location"])
    stranger = Browser(app)
    assert bring(stranger, answer).headers["Location"] == "/account/login"
    assert session_of(app).scalars(select(LoginSession)).all() == []
    copied = browser.client.get_cookie("packslip_session")
    assert copied is not None
    assert bring(browser, answer).headers["Location"] == "/"
    # Somebody who has a copy of the cookie from before, and a code of their own.
    state = answer.partition("state=")[2].partition("&")[0]
    thief = Browser(app)
    thief.client.set_cookie("packslip_session", copied.value)
    code = next(iter(provider.codes), "code")
    stolen = thief.get(f"{BEGIN}/callback?code={code}&state={state}&iss={provider.address}")
    assert stolen.headers["Location"] == "/account/login"
    assert len(session_of(app).scalars(select(LoginSession)).all()) == 1


@pytest.mark.parametrize(
    "change",
    [
        ("code=", "code=x"),
        ("&code=", "&nocode="),
        ("iss=", "iss=x"),
        ("code=", "error=denied&code="),
    ],
)
def test_answers_that_were_tampered_with_are_refused_and_slowed_down(
    index: Maker, provider: Provider, change: tuple[str, str]
) -> None:
    app = index(registration="create")
    browser = Browser(app)
    for _ in range(10):
        answer = provider.answer(browser.get(BEGIN).headers["Location"]).replace(*change)
        assert bring(browser, answer).headers["Location"] == "/account/login"
    assert browser.get(BEGIN).headers["Location"] == "/account/login"
    assert "Too many attempts failed" in browser.get("/account/login").text
    assert session_of(app).scalars(select(User)).all() == []


@pytest.mark.parametrize("goal", ["//evil.example.com", "https://evil.example.com", "/\\evil"])
def test_nobody_is_sent_to_another_site_afterwards(
    index: Maker, provider: Provider, goal: str
) -> None:
    app = index(registration="create")
    assert go(Browser(app), provider, f"{BEGIN}?next={goal}").headers["Location"] == "/"
