"""Ranges of versions, held against `packaging`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from packslip.packages.version_ranges import (
    InvalidRangeError,
    covers,
    exact_range,
    is_exactly,
    parse_range,
)

numbers = st.lists(st.integers(0, 3), min_size=1, max_size=3).map(lambda n: ".".join(map(str, n)))
suffixes = st.sampled_from(["", "a1", "rc2", ".post1", ".dev3", "+corp.1", "rc1.dev2"])
versions = st.builds(lambda number, suffix: number + suffix, numbers, suffixes)
parts = st.builds(
    lambda operator, version, end: f"{operator}{version}{end}",
    st.sampled_from(["==", "!=", "<=", ">=", "<", ">", "~=", "==="]),
    versions,
    st.sampled_from(["", "", ".*"]),
)
ranges = st.lists(parts, min_size=1, max_size=3).map(" , ".join)


@given(ranges, versions)
def test_what_is_covered_is_what_packaging_says(text: str, version: str) -> None:
    try:
        specifiers = SpecifierSet(text)
    except InvalidSpecifier:
        with pytest.raises(InvalidRangeError):
            parse_range(text)
        return
    version = str(Version(version))
    parsed = parse_range(text)
    assert covers(parsed, version) == specifiers.contains(version, prereleases=True)
    assert parse_range(parsed) == parsed


@given(st.text(max_size=20))
def test_any_text_is_a_range_or_refused(text: str) -> None:
    try:
        parsed = parse_range(text)
    except InvalidRangeError:
        return
    covers(parsed, "1.0")
    covers(parsed, text)


@given(versions, st.lists(versions))
def test_an_exact_range_is_for_one_release_alone(version: str, others: list[str]) -> None:
    version, others = str(Version(version)), [str(Version(other)) for other in others]
    parsed = parse_range(exact_range(version, others))
    assert is_exactly(parsed, version)
    assert {other for other in others if covers(parsed, other)} <= {
        other for other in others if Version(other) == Version(version)
    }


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        (None, None), ("", None), (" * ", None), ("1.2", "==1.2"), ("v1.2", "==v1.2"),
        (">=1.1, <1.3", ">=1.1,<1.3"), ("==1.*", "==1.*"), ("===odd", "===odd"), (">=1,", ">=1"),
    ],
)  # fmt: skip
def test_ranges_are_written_in_one_form(text: str | None, parsed: str | None) -> None:
    assert parse_range(text) == parsed


@pytest.mark.parametrize("text", [",", "1.*", "~=1", "a b", "==1\n==2", "=" * 600, ">=1;x", "\0"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(InvalidRangeError):
        parse_range(text)


def test_odd_versions_are_covered_by_the_same_text_alone() -> None:
    assert covers(None, "2004-odd")
    assert covers("===2004-ODD", "2004-odd")
    assert not covers("===2004-odd,>=1", "2004-odd")
    assert not covers(">=0", "2004-odd")
    assert exact_range("2004-odd", []) == "===2004-odd"


def test_a_range_for_one_release_is_told_from_wider_ones() -> None:
    assert is_exactly("==1.0", "1.0.0")
    assert not any(is_exactly(wider, "1.0") for wider in (None, "==1.*", "==1.0,<2", ">=1.0"))
