"""Tags and packages in the text of a note."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packslip.notes.markup import MAX_NAMES, MAX_TAG, names_in


@pytest.mark.parametrize(
    ("body", "tags"),
    [
        ("#one and (#Two-x), **#three**", ["one", "two-x", "three"]),
        ("# Heading #été\n\n- #item", ["été", "item"]),
        ("a#b ##no #42 &#x41; https://example.com/#top \\#kept", []),
        ("`#code` and\n\n```\n#fenced\n```\n\n    #indented", []),
        ("[a #link](https://example.com)", []),
        ("| a |\n|---|\n| #cell |", ["cell"]),
        ("#one #ONE", ["one"]),
        ("#" + "x" * (MAX_TAG + 1), []),
        ('<b title="#html">', []),
    ],
)
def test_tags(body: str, tags: list[str]) -> None:
    assert list(names_in(body).tags) == tags


@pytest.mark.parametrize(
    ("body", "packages"),
    [
        ("[[Demo_App]] and [[flask@1.2]], [[a @ >=2]]", ["demo-app", "flask", "a"]),
        ("`[[code]]`\n\n~~~\n[[fenced]]\n~~~", []),
        ("[[-bad]] [[a b]] [one] [[a@1@2]]", []),
        ("[[demo]] [[Demo]]", ["demo"]),
        ("[[demo@#tag]]", ["demo"]),
    ],
)
def test_packages(body: str, packages: list[str]) -> None:
    assert list(names_in(body).packages) == packages
    assert names_in(body).tags == ()


def test_there_is_an_end_to_names() -> None:
    body = " ".join(f"#t{number} [[p{number}]]" for number in range(MAX_NAMES + 50))
    names = names_in(body)
    assert (len(names.tags), len(names.packages)) == (MAX_NAMES, MAX_NAMES)


@given(st.text(alphabet="#[]()`~ \n\\ab1@<>&;|-*_"))
def test_any_text_has_names_or_none(body: str) -> None:
    names = names_in(body)
    assert all(tag == tag.lower() for tag in names.tags)
