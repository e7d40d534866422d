from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from packslip.notes.osv_ranges import Interval, intervals, osv_ranges

NUMBERS = st.integers(0, 3)


@st.composite
def versions(draw: st.DrawFn, longest: int = 4) -> Version:
    epoch = draw(st.sampled_from(["", "", "", "1!"]))
    release = ".".join(map(str, draw(st.lists(NUMBERS, min_size=1, max_size=longest))))
    pre = draw(st.sampled_from(["", "", "a0", "a1", "b1", "rc1", "rc2"]))
    post = draw(st.sampled_from(["", "", ".post0", ".post1"]))
    dev = draw(st.sampled_from(["", "", ".dev0", ".dev1"]))
    return Version(f"{epoch}{release}{pre}{post}{dev}")


@st.composite
def specifiers(draw: st.DrawFn) -> SpecifierSet:
    found = []
    for _ in range(draw(st.integers(0, 3))):
        operator = draw(st.sampled_from([">=", "<=", ">", "<", "==", "!=", "~=", "==*", "!=*"]))
        version = draw(versions(longest=3))
        if operator.endswith("*"):
            base = ".".join(map(str, version.release))
            epoch = f"{version.epoch}!" if version.epoch else ""
            found.append(f"{operator[:2]}{epoch}{base}.*")
        elif operator != "~=" or len(version.release) > 1:
            found.append(f"{operator}{version}")
    return SpecifierSet(",".join(found), prereleases=True)


def is_in(version: Version, found: Sequence[Interval]) -> bool:
    return any(
        (one.low is None or version >= one.low) and (one.high is None or version < one.high)
        for one in found
    )


def is_vulnerable(version: Version, ranges: list[list[dict[str, str]]]) -> bool:
    """The evaluation that OSV's schema describes (`IncludedInRanges`)."""
    return any(_included(version, events) for events in ranges)


def _included(version: Version, events: list[dict[str, str]]) -> bool:
    def place(event: dict[str, str]) -> tuple[bool, Version]:
        (text,) = event.values()
        return text != "0", Version(text)

    vulnerable = False
    for event in sorted(events, key=place):
        ((what, text),) = event.items()
        if what == "introduced" and (text == "0" or version >= Version(text)):
            vulnerable = True
        elif (what == "fixed" and version >= Version(text)) or (
            what == "last_affected" and version > Version(text)
        ):
            vulnerable = False
    return vulnerable


@settings(max_examples=120)
@given(specifiers(), st.lists(versions(), max_size=8))
def test_intervals_hold_the_versions_that_fit(asked: SpecifierSet, some: list[Version]) -> None:
    found = intervals(asked)

    for version in some:
        assert is_in(version, found) == asked.contains(version), (version, found)


@settings(max_examples=120)
@given(
    specifiers(),
    st.lists(versions(), max_size=8),
    st.lists(versions(), max_size=4),
    st.one_of(st.none(), versions()),
)
def test_an_evaluator_of_osv_agrees_on_versions_of_the_index(
    asked: SpecifierSet, known: list[Version], others: list[Version], fixed_in: Version | None
) -> None:
    ranges = osv_ranges(asked, known, fixed_in)

    for version in [*known, *others]:
        affected = asked.contains(version) and (fixed_in is None or version < fixed_in)
        if version in known:
            assert is_vulnerable(version, ranges) == affected, (version, ranges)
        elif affected:
            assert is_vulnerable(version, ranges), (version, ranges)
    for events in ranges:
        kinds = [next(iter(event)) for event in events]
        assert kinds in (["introduced"], ["introduced", "fixed"], ["introduced", "last_affected"])


def events(asked: str, known: str = "1.0 1.1 1.2 1.3 1.4", fixed_in: str | None = None) -> Any:
    return osv_ranges(
        SpecifierSet(asked, prereleases=True),
        map(Version, known.split()),
        None if fixed_in is None else Version(fixed_in),
    )


def test_a_range_ends_with_a_release_that_can_be_had() -> None:
    assert events(">=1.1,<1.3") == [[{"introduced": "1.1"}, {"fixed": "1.3"}]]
    assert events("<1.3", "1.0 1.3rc1") == [[{"introduced": "0"}, {"fixed": "1.3rc1"}]]
    assert events("<2") == [[{"introduced": "0"}, {"fixed": "2"}]]


def test_a_range_that_ends_with_a_release_claims_no_fix() -> None:
    assert events("==1.1") == [[{"introduced": "1.1"}, {"last_affected": "1.1"}]]
    assert events("<=1.1") == [[{"introduced": "0"}, {"last_affected": "1.1"}]]


def test_what_the_note_says_is_fixed_ends_the_last_range() -> None:
    assert events("", fixed_in="1.3") == [[{"introduced": "0"}, {"fixed": "1.3"}]]
    assert events("<=1.2", fixed_in="1.3") == [[{"introduced": "0"}, {"fixed": "1.3"}]]
    # Between them is a release that is not affected.
    assert events("<=1.1", fixed_in="1.4") == [[{"introduced": "0"}, {"last_affected": "1.1"}]]


def test_a_gap_without_a_release_is_none() -> None:
    assert events("!=1.2") == [
        [{"introduced": "0"}, {"fixed": "1.2"}],
        [{"introduced": "1.2.post0.dev0"}],
    ]
    assert events("!=1.5") == [[{"introduced": "0"}]]
