from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packslip.packages.metadata import CoreMetadata
from packslip.packages.people import Person, author_of, people_of


@pytest.mark.parametrize(
    ("names", "emails", "people"),
    [
        (None, None, []),
        ("Jane Doe", None, [("Jane Doe", None)]),
        ("Jane Doe", "jane@example.com", [("Jane Doe", "jane@example.com")]),
        (None, '"Jane Doe" <jane@example.com>', [("Jane Doe", "jane@example.com")]),
        (None, "Doe, Jane <jane@example.com>", [("Jane", "jane@example.com")]),
        (
            None,
            '"Doe, Jane" <jane@example.com>, joe@example.com',
            [("Doe, Jane", "jane@example.com"), (None, "joe@example.com")],
        ),
        (
            "Jane Doe, Joe Roe",
            "jane@example.com, joe@example.com",
            [("Jane Doe", "jane@example.com"), ("Joe Roe", "joe@example.com")],
        ),
        (
            "Jane Doe and Joe Roe",
            "team@example.com",
            [("Jane Doe", None), ("Joe Roe", None), (None, "team@example.com")],
        ),
        ("Acme, Inc.", "info@example.com", [("Acme, Inc.", "info@example.com")]),
        ("Jane", "Jane <jane@example.com>", [("Jane", "jane@example.com")]),
        ("Jane", "jane at example dot com", [("Jane", None)]),
        (None, "(" * 4000 + " jane@example.com", [(None, "jane@example.com")]),
        (
            None,
            "jane@example.com joe@example.com",
            [(None, "jane@example.com"), (None, "joe@example.com")],
        ),
    ],
)  # fmt: skip
def test_people_are_read_from_names_and_addresses(
    names: str | None, emails: str | None, people: list[tuple[str | None, str | None]]
) -> None:
    assert people_of(names, emails) == people


@given(st.text(), st.text())
def test_people_always_have_a_name_or_an_address(names: str, emails: str) -> None:
    for person in people_of(names, emails):
        assert isinstance(person, Person)
        assert person.name or person.email


@pytest.mark.parametrize(
    ("fields", "author"),
    [
        ({}, (None, None)),
        ({"author": "Jane", "author_email": "jane@example.com"}, ("Jane", "jane@example.com")),
        (
            {"author_email": "Jane Doe <jane@example.com>, Joe <joe@example.com>"},
            ("Jane Doe, Joe", "jane@example.com"),
        ),
        (
            {"author": "Zope Foundation and Contributors"},
            ("Zope Foundation and Contributors", None),
        ),
        ({"author": "Jane <jane@example.com>"}, ("Jane", "jane@example.com")),
        ({"author": "team@example.com"}, (None, "team@example.com")),
        ({"maintainer": "Joe", "maintainer_email": "joe@example.com"}, ("Joe", "joe@example.com")),
        ({"author": "Jane", "maintainer_email": "joe@example.com"}, ("Jane", None)),
    ],
)
def test_the_author_is_a_name_and_one_address(
    fields: dict[str, str], author: tuple[str | None, str | None]
) -> None:
    metadata = CoreMetadata(metadata_version="2.1", name="a", version="1", **fields)  # type: ignore[arg-type]
    assert author_of(metadata) == author
