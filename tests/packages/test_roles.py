"""Parts in packages: one's own, and those through teams."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, text
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.packages import add_package, add_releases
from tests.helpers.statements import counted_statements
from tests.helpers.teams import make_team

from packslip.accounts.identity import Identity
from packslip.accounts.models import Role
from packslip.accounts.policies import SecondFactorPolicy, set_second_factor_policy
from packslip.db import write_transaction
from packslip.packages import operations
from packslip.packages.access import (
    NotMaintainerError,
    TakenPrefixError,
    require_uploader,
    rights_of,
)
from packslip.packages.models import Maintainer, MaintainerRole, Origin, Package
from packslip.packages.operations import LastOwnerError
from packslip.packages.queries import get_package, is_only_owner
from packslip.packages.roles import find_role, list_parts, list_team_parts, prefixes_of, roles_of
from packslip.packages.second_factor import must_have_second_factor
from packslip.teams import giving
from packslip.teams.giving import OwnerlessError
from packslip.teams.operations import remove_member

OWNER, MAINTAINER = MaintainerRole.OWNER, MaintainerRole.MAINTAINER


def test_every_part_of_a_name_before_a_hyphen_is_a_prefix_of_it() -> None:
    assert prefixes_of("acme-web-api") == ["acme", "acme-web", "acme-web-api"]
    assert prefixes_of("acme") == ["acme"]


@pytest.mark.parametrize(
    ("own", "given", "prefix", "expected"),
    [
        (None, None, None, None),
        ("maintainer", None, None, MAINTAINER),
        (None, "maintainer", None, MAINTAINER),
        (None, None, "maintainer", MAINTAINER),
        ("maintainer", "owner", None, OWNER),
        ("owner", "maintainer", "maintainer", OWNER),
        (None, "maintainer", "owner", OWNER),
    ],
)
def test_the_highest_role_counts(
    session: Session,
    own: str | None,
    given: str | None,
    prefix: str | None,
    expected: MaintainerRole | None,
) -> None:
    ada = make_user(session)
    package = add_releases(session, "acme-web", owner=make_user(session, "bob"))
    if own is not None:
        session.add(Maintainer(user=ada, package=package, role=own))
        session.commit()
    make_team(
        session,
        "data",
        ada,
        packages={"acme-web": given} if given else {},
        prefixes={"acme": prefix} if prefix else {},
    )
    assert find_role(session, "acme-web", ada) == expected
    rights = rights_of(session, ada, package)
    assert (rights.maintain, rights.manage) == (expected is not None, expected is OWNER)


@pytest.mark.parametrize(
    ("name", "is_under"),
    [
        ("acme", True),
        ("acme-web", True),
        ("acme-web-api", True),
        ("acmeweb", False),
        ("acme2", False),
        ("acm", False),
        ("the-acme", False),
    ],
)
def test_a_prefix_ends_at_a_hyphen(session: Session, name: str, is_under: bool) -> None:
    ada, bob = make_user(session), make_user(session, "bob")
    add_releases(session, name, owner=bob)
    team = make_team(session, "data", ada, prefixes={"acme": "owner"})
    package = get_package(session, name)
    assert (find_role(session, name, ada) is OWNER) == is_under
    assert [part.package.id for part in list_parts(session, ada)] == ([name] if is_under else [])
    assert bool(list_team_parts(session, package)) == is_under
    assert team.name == "data"


def test_a_prefix_gives_nothing_of_what_comes_from_upstream(session: Session) -> None:
    ada = make_user(session)
    package = add_package(session, "acme-web", origin=Origin.MIRRORED)
    make_team(session, "data", ada, prefixes={"acme": "owner"})
    assert find_role(session, "acme-web", ada) is None
    assert list_parts(session, ada) == []
    assert list_team_parts(session, package) == []


def test_a_role_is_found_with_one_statement(session: Session) -> None:
    ada = make_user(session)
    make_team(session, "data", ada, prefixes={"acme": "owner"})
    session.refresh(ada)
    with counted_statements() as seen:
        find_role(session, "acme-web", ada)
    assert len(seen) == 1


def test_packages_under_a_prefix_are_found_by_their_names(session: Session) -> None:
    """Not by going through all that is hosted, for each prefix anew."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    ada = make_user(session)
    make_team(session, "data", ada, prefixes={"acme": "owner", "web": "owner"})
    names = [{"id": f"other-{number:04}", "name": "other"} for number in range(3000)]
    session.execute(insert(Package), names)
    session.commit()
    if not is_sqlite:
        # SQLite knows nothing of its tables, and must find the way all the same.
        session.execute(text("ANALYZE"))
    dialect = session.get_bind().dialect
    sent = roles_of(ada.id).compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    explain = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
    plan = [str(row) for row in session.execute(text(f"{explain} {sent}"))]
    by_name = "sqlite_autoindex_packages_1" if is_sqlite else "pk_packages"
    assert any(by_name in step for step in plan), plan


def test_parts_say_whether_they_are_one_s_own(session: Session) -> None:
    ada, bob = make_user(session), make_user(session, "bob")
    add_releases(session, "both", owner=ada)
    add_releases(session, "mine", owner=ada)
    add_releases(session, "theirs", owner=bob)
    make_team(session, "data", ada, packages={"both": "maintainer", "theirs": "maintainer"})
    found = [(part.package.id, part.role, part.is_own) for part in list_parts(session, ada)]
    assert found == [
        ("both", OWNER, True),
        ("mine", OWNER, True),
        ("theirs", MAINTAINER, False),
    ]


def test_who_leaves_a_team_or_is_disabled_may_nothing_any_more(session: Session) -> None:
    ada, bob = make_user(session), make_user(session, "bob")
    package = add_releases(session, "demo", owner=bob)
    team = make_team(session, "data", ada, packages={"demo": "maintainer"})
    require_uploader(session, Identity(ada), "demo")
    with write_transaction(session):
        remove_member(session, ACTOR, team, ada)
    with pytest.raises(NotMaintainerError):
        require_uploader(session, Identity(ada), "demo")
    assert not rights_of(session, ada, package).maintain


def test_new_names_under_a_prefix_are_for_the_teams_that_have_it(session: Session) -> None:
    ada, bob = make_user(session), make_user(session, "bob")
    carl = make_user(session, "carl", role=Role.ADMIN)
    dora = make_user(session, "dora")
    make_team(session, "core", ada, prefixes={"acme": "maintainer"})
    make_team(session, "web", dora, prefixes={"acme-web": "owner"})
    for user in (ada, dora):
        require_uploader(session, Identity(user), "acme-web-api")
    require_uploader(session, Identity(bob), "acmeweb")
    for user, name in ((bob, "acme"), (bob, "acme-new"), (carl, "acme-new"), (dora, "acme-new")):
        with pytest.raises(TakenPrefixError, match="under 'acme' are for the teams"):
            require_uploader(session, Identity(user), name)
    with pytest.raises(TakenPrefixError, match="under 'acme-web' are"):
        require_uploader(session, Identity(bob), "acme-web-api")


def test_what_was_there_before_a_prefix_was_given_stays_its_owners(session: Session) -> None:
    bob = make_user(session, "bob")
    add_releases(session, "acme-old", owner=bob)
    make_team(session, "core", prefixes={"acme": "owner"})
    require_uploader(session, Identity(bob), "acme-old")


@pytest.mark.parametrize(
    ("packages", "prefixes"), [({"acme-web": "owner"}, {}), ({}, {"acme": "owner"})]
)
def test_the_last_person_may_leave_what_a_team_owns(
    session: Session, packages: dict[str, str], prefixes: dict[str, str]
) -> None:
    ada = make_user(session)
    package = add_releases(session, "acme-web", owner=ada)
    assert is_only_owner(session, package.maintainers[0])
    team = make_team(session, "core", packages=packages, prefixes=prefixes)
    with write_transaction(session):
        operations.remove_maintainer(session, ACTOR, get_package(session, "acme-web"), ada)
    with pytest.raises(OwnerlessError, match="'core' owns 'acme-web'"), write_transaction(session):
        giving.remove_team(session, ACTOR, team)


def test_a_team_that_maintains_is_no_owner(session: Session) -> None:
    ada = make_user(session)
    add_releases(session, "acme-web", owner=ada)
    make_team(session, "core", packages={"acme-web": "maintainer"}, prefixes={"acme": "maintainer"})
    with pytest.raises(LastOwnerError), write_transaction(session):
        operations.remove_maintainer(session, ACTOR, get_package(session, "acme-web"), ada)


def test_owners_through_teams_must_have_a_second_factor_like_others(session: Session) -> None:
    ada, bob = make_user(session), make_user(session, "bob")
    add_releases(session, "demo", owner=bob)
    with write_transaction(session):
        set_second_factor_policy(session, ACTOR, SecondFactorPolicy.OWNERS)
    make_team(session, "data", ada, packages={"demo": "maintainer"})
    assert not must_have_second_factor(session, ada)
    make_team(session, "core", ada, packages={"demo": "owner"})
    assert must_have_second_factor(session, ada)
