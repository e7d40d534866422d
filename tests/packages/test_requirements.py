"""What releases require, and who requires a package."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.notes import yank
from tests.helpers.packages import add_package, add_release

from packslip.db import write_transaction
from packslip.events.operations import Actor
from packslip.packages import models
from packslip.packages.latest import refresh_texts
from packslip.packages.removal import remove_package, remove_release
from packslip.packages.requirements import (
    LONGEST_TEXT,
    MOST,
    count_dependants,
    group_by_extra,
    list_dependants,
    read_requirement,
    required_packages,
)

ACTOR = Actor.command()


def kept(session: Session) -> list[tuple[str, str, str]]:
    rows = session.scalars(select(models.Requirement))
    return sorted((row.package_id, row.required_id, row.text) for row in rows)


def test_a_requirement_is_taken_apart() -> None:
    found = read_requirement('My_Lib[b,a] >=1,<2 ; python_version < "3.8" and extra == "Test_It"')
    assert found.package_id == "my-lib"
    assert found.name == "My_Lib"
    assert found.rest == "[a,b]>=1,<2"
    assert found.condition == 'python_version < "3.8"'
    assert found.extras == ("test-it",)


def test_an_address_stands_in_the_place_of_versions() -> None:
    assert (
        read_requirement("lib @ https://x.example/lib.whl").rest == " @ https://x.example/lib.whl"
    )


@pytest.mark.parametrize(
    ("marker", "condition"),
    [
        ('extra == "x"', ""),
        ('(os_name == "nt" or os_name == "posix") and extra == "x"', None),
        ('os_name == "nt" or os_name == "a" and extra == "x"', None),
        ('extra == "x" and os_name == "nt"', None),
        ('os_name == "nt"', 'os_name == "nt"'),
    ],
)
def test_the_condition_never_says_more_than_the_marker(marker: str, condition: str | None) -> None:
    found = read_requirement(f"lib; {marker}").condition
    if condition is not None:
        assert found == condition
    else:
        assert found in {marker, '(os_name == "nt" or os_name == "posix")'}


def test_requirements_stand_under_the_extras_that_ask_for_them() -> None:
    groups = group_by_extra(
        ["a", 'b; extra == "one"', 'c; extra == "one" or extra == "two"', "?? odd"],
        ["One", "empty"],
    )
    assert {extra: [one.name or one.text for one in group] for extra, group in groups.items()} == {
        "": ["a", "?? odd"],
        "one": ["b", "c"],
        "empty": [],
        "two": ["c"],
    }


def test_what_a_package_requires_of_itself_is_left_out_and_all_has_bounds() -> None:
    texts = ["demo[x]", "lib>=1", 'LIB<1; os_name == "nt"', "broken ??"]
    assert required_packages("demo", texts) == {"lib": 'lib>=1\nLIB<1; os_name == "nt"'}
    many = required_packages("demo", [f"lib{number}" for number in range(MOST + 10)])
    assert len(many) == MOST
    assert len(required_packages("demo", [f"lib=={n}" for n in range(900)])["lib"]) == LONGEST_TEXT


@given(st.text(max_size=40))
def test_any_text_is_read(text: str) -> None:
    assert read_requirement(text).text == text


def test_the_latest_release_counts(session: Session) -> None:
    package = add_package(session)
    add_release(session, package, "1.0", core_metadata={"name": "demo", "requires_dist": ["old"]})
    latest = add_release(
        session, package, "2.0", core_metadata={"name": "demo", "requires_dist": ["new>1", "both"]}
    )
    with write_transaction(session):
        refresh_texts(session, package)
    assert kept(session) == [("demo", "both", "both"), ("demo", "new", "new>1")]
    with write_transaction(session):
        latest.core_metadata = {"name": "demo", "requires_dist": ["new>2"]}
        session.flush()
        refresh_texts(session, package)
    assert kept(session) == [("demo", "new", "new>2")]
    with write_transaction(session):
        yank(session, latest)
    assert kept(session) == [("demo", "old", "old")]


def test_what_is_removed_requires_nothing(session: Session) -> None:
    for name in ("one", "two"):
        package = add_package(session, name)
        add_release(session, package, core_metadata={"name": name, "requires_dist": ["lib"]})
        with write_transaction(session):
            refresh_texts(session, package)
    assert len(kept(session)) == 2
    with write_transaction(session):
        remove_package(session, ACTOR, session.get_one(models.Package, "one"))
    assert [row[0] for row in kept(session)] == ["two"]
    with write_transaction(session):
        (release,) = session.get_one(models.Package, "two").releases
        remove_release(session, ACTOR, release)
    assert kept(session) == []


def test_dependants_come_page_by_page(session: Session) -> None:
    for number in range(5):
        package = add_package(session, f"user{number}", summary=f"Number {number}")
        session.add(models.Requirement(package_id=package.id, required_id="lib", text="lib>1"))
    session.commit()
    assert count_dependants(session, "lib") == 5
    first = list_dependants(session, "lib", 3)
    assert [one.package_id for one in first] == ["user0", "user1", "user2"]
    assert (first[0].summary, first[0].text) == ("Number 0", "lib>1")
    assert [one.package_id for one in list_dependants(session, "lib", 3, "user2")] == [
        "user3",
        "user4",
    ]
