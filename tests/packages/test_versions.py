from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from packslip.packages.versions import canonical, is_prerelease, normal_form, numbers, sort_key

small = st.integers(0, 3)
number = st.one_of(small, st.integers(0, 120), st.integers(0, 10**30))
local_part = st.one_of(number.map(str), st.text("abz019", min_size=1, max_size=4))


@st.composite
def versions(draw: st.DrawFn) -> str:
    text = f"{draw(number)}!" if draw(st.booleans()) else ""
    text += ".".join(map(str, draw(st.lists(number, min_size=1, max_size=6))))
    if draw(st.booleans()):
        text += f"{draw(st.sampled_from(['a', 'b', 'rc']))}{draw(number)}"
    if draw(st.booleans()):
        text += f".post{draw(number)}"
    if draw(st.booleans()):
        text += f".dev{draw(number)}"
    if draw(st.booleans()):
        text += "+" + ".".join(draw(st.lists(local_part, min_size=1, max_size=4)))
    return text


def order(a: object, b: object) -> int:
    return (a > b) - (a < b)  # type: ignore[operator]


@given(versions(), versions())
def test_keys_sort_bytewise_as_pep_440_sorts_versions(a: str, b: str) -> None:
    keys = sort_key(a).encode("ascii"), sort_key(b).encode("ascii")
    assert order(*keys) == order(Version(a), Version(b)), (a, b)


@given(versions(), st.lists(st.sampled_from(["a1", "b1", "rc1", ".post1", ".dev1", ".1", "+a"])))
def test_versions_that_share_a_beginning_sort_too(start: str, ends: list[str]) -> None:
    family = [start, start + ".0", f"{start}.dev0", f"{start}rc0", f"{start}.post0", f"{start}+a"]
    family += [start + end for end in ends]
    valid = [text for text in family if is_version(text)]
    assert [Version(text) for text in sorted(valid, key=sort_key)] == sorted(map(Version, valid))


def is_version(text: str) -> bool:
    try:
        Version(text)
    except ValueError:
        return False
    return True


def shuffled(line: list[str]) -> list[str]:
    return random.Random(1).sample(line, len(line))


def test_one_line_of_versions_sorts_as_the_specification_says() -> None:
    line = [
        "1.dev0", "1.0.dev456", "1.0a1", "1.0a2.dev456", "1.0a12.dev456", "1.0a12", "1.0b1.dev456",
        "1.0b2", "1.0b2.post345.dev456", "1.0b2.post345", "1.0rc1.dev456", "1.0rc1", "1.0",
        "1.0+abc.5", "1.0+abc.7", "1.0+abc1", "1.0+5", "1.0+5.a", "1.0+5.0", "1.0.post456.dev34",
        "1.0.post456.dev34+x", "1.0.post456", "1.0.15", "1.1.dev1", "1.10", "2013.9", "1!0.1",
    ]  # fmt: skip
    assert sorted(shuffled(line), key=sort_key) == line


@given(versions(), st.integers(1, 5))
def test_equal_versions_have_one_key_and_one_canonical_text(text: str, zeros: int) -> None:
    base = Version(text).base_version
    longer = str(Version(text)).replace(base, base + ".0" * zeros, 1)
    assert Version(longer) == Version(text)
    assert sort_key(longer) == sort_key(text)
    assert canonical(longer) == canonical(text)


@given(st.text(), versions())
def test_odd_versions_sort_before_all_others(text: str, version: str) -> None:
    key = sort_key(text)
    assert key == sort_key(text)
    assert key.isascii()
    assert "\0" not in key
    if not is_version(text):
        assert key < sort_key(version)
        assert key < sort_key("0.dev0")


def test_numbers_in_odd_versions_count_as_numbers() -> None:
    line = ["1.0-foo2", "1.0-foo10", "2004k", "2004x"]
    assert sorted(shuffled(line), key=sort_key) == line


def test_a_number_of_thousands_of_digits_is_an_odd_version() -> None:
    text = "1." + "9" * 5000
    assert sort_key(text) < sort_key("0.dev0")
    assert normal_form(text) == text
    assert numbers(text) == (1, 2**63 - 1, 0)


@pytest.mark.parametrize(
    ("text", "normal", "canon"),
    [
        ("1.0-beta2", "1.0b2", "1b2"),
        (" v1.0.0 ", "1.0.0", "1"),
        ("1!2.0-1", "1!2.0.post1", "1!2.post1"),
        ("1.0+Ubuntu_1", "1.0+ubuntu.1", "1+ubuntu.1"),
        (" 2004b.x ", "2004b.x", "2004b.x"),
    ],
)
def test_versions_have_a_normal_and_a_canonical_form(text: str, normal: str, canon: str) -> None:
    assert normal_form(text) == normal
    assert canonical(text) == canon


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.2.3", (1, 2, 3)),
        ("1", (1, 0, 0)),
        ("2024.1.post1", (2024, 1, 0)),
        ("5!1.2.3.4", (1, 2, 3)),
        ("99999999999999999999.1", (2**63 - 1, 1, 0)),
        ("2004b.x", (2004, 0, 0)),
        ("unknown", (0, 0, 0)),
    ],
)
def test_numbers_are_major_minor_build(text: str, expected: tuple[int, int, int]) -> None:
    assert numbers(text) == expected


@given(st.one_of(st.text(), versions()))
def test_numbers_fit_into_64_bits(text: str) -> None:
    assert all(0 <= part < 2**63 for part in numbers(text))


def test_prereleases_are_told_from_others() -> None:
    assert is_prerelease("1.0rc1")
    assert is_prerelease("1.0.dev1")
    assert not is_prerelease("1.0.post1")
    assert not is_prerelease("odd")
