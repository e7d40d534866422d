from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packslip.search.request import (
    Filters,
    InvalidSearchError,
    SearchQuery,
    Sort,
    arguments_of,
    query_from,
)

ALL = {
    "q": "web -django",
    "license": "MIT",
    "language": "C++",
    "python": "3.12",
    "origin": "hosted",
    "yanked": "no",
    "owner": "ada",
    "sort": "date",
    "page": "3",
    "per_page": "50",
}


def test_a_search_is_read_from_an_address() -> None:
    filters = Filters("MIT", "C++", "3.12", "hosted", yanked=False, owner="ada")
    expected = SearchQuery("web -django", filters, Sort.DATE, page=3, per_page=50)
    assert query_from(ALL) == expected
    assert arguments_of(expected) == ALL


def test_without_arguments_everything_is_looked_for_and_no_argument_is_needed_for_it() -> None:
    assert query_from({}) == query_from({"q": " ", "license": "", "page": ""}) == SearchQuery()
    assert arguments_of(SearchQuery()) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("python", "2.7"),
        ("python", "3.99"),
        ("python", "3.١٢"),
        ("origin", "nowhere"),
        ("yanked", "perhaps"),
        ("sort", "best"),
        ("page", "0"),
        ("page", "-1"),
        ("page", "²"),
        ("page", "9" * 5000),
        ("per_page", "101"),
    ],
)
def test_what_cannot_be_understood_is_refused_and_named(name: str, value: str) -> None:
    with pytest.raises(InvalidSearchError) as refused:
        query_from({name: value})
    assert refused.value.field == name
    assert name in refused.value.reason or "Python" in refused.value.reason


def test_values_that_no_database_holds_become_others() -> None:
    filters = query_from({"license": "a\0b", "owner": "\ud800"}).filters
    assert (filters.license, filters.owner) == ("a?b", "?")


@given(
    st.builds(
        SearchQuery,
        text=st.text(max_size=20).map(str.strip),
        filters=st.builds(
            Filters,
            python=st.none() | st.sampled_from(["3.6", "3.14"]),
            yanked=st.none() | st.booleans(),
        ),
        sort=st.sampled_from(Sort),
        page=st.integers(1, 1000),
        per_page=st.integers(1, 100),
    )
)
def test_an_address_gives_back_the_search_that_it_was_made_of(query: Any) -> None:
    assert query_from(arguments_of(query)) == query
