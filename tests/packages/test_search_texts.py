from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packslip.packages.search_texts import (
    DESCRIPTION_CHARACTERS,
    LONGEST_WORD,
    compact_name,
    name_words,
    plain_description,
    plain_text,
    python_bits,
    trigrams,
    words_of,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("HTTP for Humans™.", ["http", "for", "humanstm"]),
        ("scikit-learn, sql/nosql", ["scikit", "learn", "sql", "nosql"]),
        ("Café ÉCOLE Straße", ["cafe", "ecole", "strasse"]),
        ("snake_case 3.12", ["snake", "case", "3", "12"]),
        ("データ", ["テータ"]),
        ("\0\ud800 * % ' \" 😀", []),
    ],
)
def test_words_are_letters_and_digits_in_lower_case_without_accents(
    text: str, words: list[str]
) -> None:
    assert words_of(text) == words


@given(st.text())
def test_the_words_of_words_are_the_same(text: str) -> None:
    words = words_of(text)
    assert words_of(" ".join(words)) == words
    assert all(word.isalnum() and len(word) <= LONGEST_WORD for word in words)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Flask-SQLAlchemy", ["flask", "sqlalchemy", "sql", "alchemy", "flasksqlalchemy"]),
        ("PyYAML", ["pyyaml", "py", "yaml"]),
        ("zope.interface", ["zope", "interface", "zopeinterface"]),
        ("requests", ["requests"]),
        ("a_b", ["a", "b", "ab"]),
    ],
)
def test_names_are_split_at_signs_and_humps_and_kept_whole(name: str, words: list[str]) -> None:
    assert name_words(name) == words


def test_a_description_is_searched_without_links_and_tags_up_to_its_limit() -> None:
    text = (
        "# Demo\n[![build](https://ci.example.com/x.svg)](https://ci.example.com) <img src=y> Yes."
    )
    assert plain_description(text) == "demo build yes"
    assert len(plain_description("word " * 10_000)) <= DESCRIPTION_CHARACTERS
    assert plain_description("<" * 50_000) == ""


def test_a_slip_of_the_finger_leaves_most_trigrams_alone() -> None:
    assert trigrams("abcd") == {"^ab", "abc", "bcd", "cd$"}
    assert len(trigrams("requests") & trigrams("reqests")) >= 4
    assert trigrams("") == set()


@pytest.mark.parametrize(
    ("requires_python", "allowed", "not_allowed"),
    [
        (None, (6, 15, 40), ()),
        ("", (6, 15), ()),
        (">=3.8", (8, 9, 15), (7,)),
        (">=3.6.2,<4", (6, 7), (5,)),
        (">=3.7,!=3.9.*,<3.11", (7, 8, 10), (6, 9, 11)),
        ("!=3.9.0", (8, 9, 10), ()),
        ("<3.10.2", (9, 10), (11,)),
        ("==3.8.5", (8,), (7, 9)),
        ("~=3.10", (10, 11, 15), (9,)),
        ("~=3.10.1", (10,), (9, 11)),
        (">=2.7,<3", (), (0, 6, 12)),
        (">=3.13.0rc1", (13, 14), (12,)),
        ("not a specifier", (6, 12), ()),
        ("===3.8.x", (6, 12), ()),
    ],
)
def test_a_python_is_allowed_when_one_of_its_patch_releases_is(
    requires_python: str | None, allowed: tuple[int, ...], not_allowed: tuple[int, ...]
) -> None:
    bits = python_bits(requires_python)
    assert [n for n in (*allowed, *not_allowed) if bits >> n & 1] == list(allowed)


def test_plain_text_and_compact_names_hold_no_signs() -> None:
    assert plain_text("A, B; C") == "a b c"
    assert compact_name("Flask.SQL_Alchemy-x") == "flasksqlalchemyx"


@pytest.mark.parametrize("row", ["\u0315\u0300", "\u0f73\u0f75", "e\u0315\u0300"])
def test_a_row_of_accents_costs_no_more_than_letters(
    monkeypatch: pytest.MonkeyPatch, row: str
) -> None:
    normalized: list[int] = []
    normalize = unicodedata.normalize

    def noting(form: str, text: str) -> str:
        # What has no accents takes no time, however long it is.
        if any(map(unicodedata.combining, text)):
            normalized.append(len(text))
        return normalize(form, text)  # type: ignore[arg-type]

    monkeypatch.setattr("unicodedata.normalize", noting)
    assert "".join(words_of("a" + row * 50_000)).strip("ae") == ""
    assert max(normalized, default=0) <= 1
