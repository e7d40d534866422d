from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packslip.accounts.usernames import is_username
from packslip.packages.importing.people import is_among, read_people, unite, username_for
from packslip.packages.people import Person

JANE = Person("Jane Doe", "jane@example.com")
JOHN = Person("John Roe", "john@example.com")


@pytest.mark.parametrize(
    ("names", "emails", "people"),
    [
        ("", "", []),
        ("UNKNOWN", "UNKNOWN", []),
        ("Jane Doe", "", [Person("Jane Doe", None)]),
        ("Jane Doe", "JANE@example.com", [JANE]),
        ("Jane Doe, John Roe", "jane@example.com, john@example.com", [JANE, JOHN]),
        ("Jane Doe and John Roe", "jane@example.com; john@example.com", [JANE, JOHN]),
        ("", "Jane Doe <jane@example.com>, John Roe <john@example.com>", [JANE, JOHN]),
        ("", "jane@example.com (Jane Doe)", [JANE]),
        ("Jane Doe <jane@example.com>", "", [JANE]),
        ("Jane Doe", "Jane Doe <jane@example.com>", [JANE]),
        ("Jane Doe et al.", "jane@example.com", [JANE]),
        ("Jane Doe and contributors", "jane@example.com", [JANE]),
        ("Jane Doe, John Roe", "john@example.com", [JOHN, Person("Jane Doe", None)]),
        ("Jane Doe", "jane at example dot com", [Person("Jane Doe", None)]),
        ("Example, Inc.", "", [Person("Example, Inc.", None)]),
        ("https://example.com", "", []),
        (
            "Jane Doe, John Roe",
            "list@example.com",
            [Person(None, "list@example.com"), Person("Jane Doe", None), Person("John Roe", None)],
        ),
    ],
)
def test_people_are_read_from_pairs_of_fields(
    names: str, emails: str, people: list[Person]
) -> None:
    assert read_people(names, emails) == people


@given(st.text(), st.text())
def test_any_text_gives_people_with_a_name_or_an_address(names: str, emails: str) -> None:
    people = read_people(names, emails)
    assert all(person.name or person.email for person in people)
    assert all(is_username(username_for(person)) for person in people)


@given(st.text(alphabet='ab@<>(),;"\\. \n\0é&', max_size=60))
def test_fields_full_of_separators_are_read(text: str) -> None:
    assert read_people(text, text) == unite(read_people(text, text))


def test_one_address_is_one_person_whatever_the_name() -> None:
    assert unite([JANE, Person("J. Doe", "jane@example.com")]) == [JANE]


def test_a_name_without_address_is_the_namesake_with_one() -> None:
    assert unite([Person("jane doe", None), JANE]) == [JANE]
    assert unite([JANE, Person("Jane Doe", "jd@example.com")]) == [
        JANE,
        Person("Jane Doe", "jd@example.com"),
    ]
    assert not is_among(Person(None, "x@example.com"), [Person(None, "y@example.com")])


@pytest.mark.parametrize(
    ("person", "username"),
    [
        (JANE, "jane"),
        (Person("Jane Doe", None), "jane-doe"),
        (Person("Zoë  Ångström", None), "zoe-angstrom"),
        (Person("Jane Doe", "info@example.com"), "jane-doe"),
        (Person(None, "admin@example.com"), "admin-example"),
        (Person(None, "jane+pypi@example.com"), "jane"),
        (Person(None, "jane.doe_2@example.com"), "jane.doe_2"),
        (Person("李雷", None), "user"),
        (Person("李雷", "李@example.com"), "user"),
        (Person("x" * 200, None), "x" * 70),
    ],
)
def test_a_username_comes_from_the_address_or_the_name(person: Person, username: str) -> None:
    assert username_for(person) == username
