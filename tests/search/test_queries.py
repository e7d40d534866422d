from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_token, make_user
from tests.helpers.clock import now
from tests.helpers.downloads import add_downloads
from tests.helpers.packages import add_file
from tests.helpers.search import add_found, look_for, names

from packslip.accounts.identity import Identity
from packslip.accounts.models import User
from packslip.db import db, write_transaction
from packslip.events.operations import Actor
from packslip.packages.latest import refresh_texts
from packslip.packages.models import Maintainer, Package, SearchEntry
from packslip.packages.removal import remove_package
from packslip.search import candidates
from packslip.search.request import Sort
from packslip.setting_choices import Read


def add_downloaded(session: Session, package: str, number: int, days_ago: int = 0) -> None:
    at = now() - timedelta(days=days_ago)
    with write_transaction(session):
        add_downloads(session, *[{"package_id": package, "created_at": at}] * number)


#: What is typed, and what comes first of what is found; nothing else is when that is empty.
EXPECTED = {
    # The package of that very name, however it is spelt.
    "flask": ["flask"],
    "requests": ["requests", "requests-toolbelt"],
    "FLASK_sqlalchemy": ["flask-sqlalchemy"],
    "flasksqlalchemy": ["flask-sqlalchemy"],
    "flask sqlalchemy": ["flask-sqlalchemy"],
    "zope interface": ["zope-interface"],
    "Zope.Interface": ["zope-interface"],
    # Names that begin so.
    "sqlalch": ["sqlalchemy", "flask-sqlalchemy"],
    "request": ["requests", "requests-toolbelt", "httpx"],
    "data": ["datasette", "pandas"],
    "yaml": ["pyyaml"],
    "alchemy": ["flask-sqlalchemy", "sqlalchemy"],
    # Words, in the name before the summary before the description.
    "web framework": ["flask", "django"],
    "orm": ["sqlalchemy", "django"],
    "http": ["httpx", "requests"],
    "interfaces": ["zope-interface"],
    "library": ["sqlalchemy"],
    "libraries": ["sqlalchemy"],
    "ronacher": ["flask"],
    "k@example.com": ["requests"],
    # Phrases, and what is left out.
    '"time series"': ["pandas"],
    "framework -flask": [],
    "web -wsgi": ["django"],
    "flask -login -django": ["flask", "flask-sqlalchemy"],
    'web -"complex web"': ["django"],
    # Slips of the finger.
    "reqests": ["requests"],
    "djagno": ["django"],
    "padnas": ["pandas"],
    "flask-sqlalchmy": ["flask-sqlalchemy"],
    # What is not there.
    "cobol": [],
    '"series time"': [],
    "flask cobol": [],
}


def test_what_comes_first_is_the_same_on_both_databases(index: Session) -> None:
    found = {text: names(look_for(index, text)) for text in EXPECTED}
    shown = {text: found[text][: len(first) or None] for text, first in EXPECTED.items()}
    assert shown == EXPECTED


def test_a_name_that_was_mistyped_is_suggested(index: Session) -> None:
    assert look_for(index, "reqests").did_you_mean == "requests"
    assert look_for(index, "requests").did_you_mean is None
    assert look_for(index, "cobol").did_you_mean is None
    # It stands among the results already.
    assert look_for(index, "sqlalch").did_you_mean is None


def test_recent_downloads_lift_a_package_a_little(session: Session) -> None:
    for name in ("aaa", "bbb", "ccc"):
        add_found(session, name, "A parser of things.")
    add_found(session, "parser-of-many-parsers", "A parser.")
    add_downloaded(session, "ccc", 3)
    add_downloaded(session, "bbb", 30, days_ago=40)
    assert names(look_for(session, "parser")) == ["parser-of-many-parsers", "ccc", "aaa", "bbb"]
    assert names(look_for(session))[0] == "ccc"


def test_results_are_sorted_as_asked(session: Session) -> None:
    for number, name in enumerate(("bbb", "ccc", "aaa")):
        package = add_found(session, name, "A parser of things.")
        add_downloaded(session, name, number)
        with write_transaction(session):
            entry = session.query(SearchEntry).filter_by(package_id=package.id).one()
            entry.latest_at = now() - timedelta(days=number)
    for text in ("parser", ""):
        assert names(look_for(session, text, sort=Sort.DATE)) == ["bbb", "ccc", "aaa"]
        assert names(look_for(session, text, sort=Sort.DOWNLOADS)) == ["aaa", "ccc", "bbb"]
        assert names(look_for(session, text, sort=Sort.NAME)) == ["aaa", "bbb", "ccc"]


def test_a_line_has_what_is_known_of_the_latest_release(session: Session) -> None:
    package = add_found(
        session,
        "Demo",
        "A demo.",
        version="2.0",
        requires_python=">=3.9",
        license_expression="MIT",
        yanked=True,
    )
    at = datetime(2026, 1, 2, tzinfo=UTC)
    add_file(session, package.releases[0], "demo-2.0-py3-none-any.whl", uploaded_at=at)
    add_downloaded(session, "demo", 2)
    add_downloaded(session, "demo", 1, days_ago=29)
    add_downloaded(session, "demo", 1, days_ago=30)
    with write_transaction(session):
        refresh_texts(session, session.get_one(Package, "demo"))
    found = look_for(session, "demo")
    (line,) = found.packages
    assert (line.package, line.name, line.version, line.summary) == (
        "demo",
        "Demo",
        "2.0",
        "A demo.",
    )
    assert (line.latest_at, line.requires_python, line.license) == (at, ">=3.9", "MIT")
    assert (line.origin, line.status, line.yanked) == ("hosted", "active", True)
    assert line.downloads_by_day == [1] + [0] * 28 + [2]
    assert line.downloads == 3
    assert found.days[-1] - found.days[0] == timedelta(days=29)


def test_filters_narrow_the_results_down(session: Session) -> None:
    ada, grace = make_user(session), make_user(session, "grace")
    classifier = ["Programming Language :: Rust"]
    one = add_found(session, "one", license="MIT", requires_python=">=3.12", classifier=classifier)
    two = add_found(session, "two", license="Apache-2.0", requires_python="<3.12", yanked=True)
    with write_transaction(session):
        session.add(Maintainer(user=session.get_one(User, ada.id), package_id=one.id, role="owner"))
        for package in (one, two):
            user = session.get_one(User, grace.id)
            session.add(Maintainer(user=user, package_id=package.id, role="maintainer"))
    filters: list[tuple[dict[str, Any], list[str]]] = [
        ({"license": "MIT"}, ["one"]),
        ({"license": "MI"}, []),
        ({"language": "Rust"}, ["one"]),
        ({"python": "3.12"}, ["one"]),
        ({"python": "3.11"}, ["two"]),
        ({"origin": "hosted"}, ["one", "two"]),
        ({"origin": "mirrored"}, []),
        ({"yanked": True}, ["two"]),
        ({"yanked": False}, ["one"]),
        ({"owner": "ada"}, ["one"]),
        ({"owner": "grace"}, []),
        ({"license": "MIT", "yanked": True}, []),
    ]
    for chosen, expected in filters:
        for sort in Sort:
            found = names(look_for(session, sort=sort, **chosen))
            assert sorted(found) == expected, chosen
    assert names(look_for(session, "two", license="MIT")) == []
    add_found(session, "third")
    assert names(look_for(session, "thrdi", yanked=False)) == ["third"]
    assert names(look_for(session, "thrdi", yanked=True)) == []


def test_facets_count_what_the_results_have(index: Session) -> None:
    add_found(
        index,
        "demo",
        "A demo for the web.",
        license="MIT",
        requires_python=">=3.14",
        classifier=["Programming Language :: Rust"],
    )
    facets = look_for(index, "web").facets
    assert [(one.value, one.packages) for one in facets.licenses] == [("MIT", 1)]
    assert [(one.value, one.packages) for one in facets.languages] == [("Rust", 1)]
    assert [(one.value, one.packages) for one in facets.origins] == [("hosted", 3)]
    assert [(one.value, one.packages) for one in facets.yanked] == [("no", 3)]
    pythons = {one.value: one.packages for one in facets.pythons}
    assert (pythons["3.15"], pythons["3.14"], pythons["3.13"]) == (3, 3, 2)


def test_pages_follow_each_other_and_end(index: Session) -> None:
    whole = names(look_for(index))
    pages = [look_for(index, page=page, per_page=5) for page in (1, 2, 3, 4)]
    assert [names(page) for page in pages] == [whole[:5], whole[5:10], whole[10:], []]
    assert {(page.total, page.pages, page.is_exact) for page in pages} == {(13, 3, True)}


def test_more_than_can_be_paged_through_is_said_to_be_more(
    index: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = {
        (text, sort): names(look_for(index, text, sort=sort))
        for text in ("", "python", "-flask")
        for sort in Sort
    }
    monkeypatch.setattr(candidates, "MOST_RESULTS", 3)
    for many in (5000, 2):
        monkeypatch.setattr(candidates, "MANY", many)
        for (text, sort), expected in whole.items():
            found = look_for(index, text, sort=sort)
            assert (names(found), found.total, found.is_exact) == (expected[:3], 3, False)
            assert {one.packages for one in found.facets.origins} == {None}
            assert names(look_for(index, text, sort=sort, page=2, per_page=2)) == expected[2:3]
    found = look_for(index, "flask")
    assert (names(found)[0], found.is_exact) == ("flask", False)


def test_a_limited_token_finds_its_packages_alone_where_an_index_is_for_members(
    index: Session,
) -> None:
    user = make_user(index)
    token, _ = make_token(index, user, packages=["django", "pandas"])
    limited, unlimited = Identity(user, token), Identity(user)
    assert names(look_for(index, viewer=limited, read=Read.MEMBERS)) == ["django", "pandas"]
    assert names(look_for(index, "flask", viewer=limited, read=Read.MEMBERS)) == ["django"]
    assert look_for(index, "reqests", viewer=limited, read=Read.MEMBERS).did_you_mean is None
    assert look_for(index, viewer=limited, read=Read.PUBLIC).total == 13
    assert look_for(index, viewer=unlimited, read=Read.MEMBERS).total == 13
    assert look_for(index, viewer=None, read=Read.MEMBERS).total == 0


def test_a_removed_package_is_no_longer_found(index: Session) -> None:
    with write_transaction(index):
        remove_package(index, Actor("tester"), index.get_one(Package, "pandas"))
    assert names(look_for(index, "pandas")) == []
    assert names(look_for(index, "padnas")) == []
    assert "pandas" not in names(look_for(index))


def test_a_search_takes_as_many_statements_for_many_packages_as_for_few(
    session: Session,
) -> None:
    def statements() -> list[int]:
        numbers = []
        for text in ("", "parser", "parsre"):
            seen: list[object] = []

            def count(*arguments: object, seen: list[object] = seen) -> None:
                seen.append(arguments)

            event.listen(db.engine, "before_cursor_execute", count)
            look_for(session, text)
            event.remove(db.engine, "before_cursor_execute", count)
            numbers.append(len(seen))
        return numbers

    add_found(session, "parser", "A parser.")
    few = statements()
    for number in range(20):
        add_found(session, f"parser-{number}", "A parser.")
    assert statements() == few
    assert max(few) <= 8
