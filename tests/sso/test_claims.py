from __future__ import annotations

from typing import Any

import pytest

from packslip.accounts.usernames import is_username
from packslip.sso.claims import UnknownGroupsError, read_person

SUBJECT = {"iss": "https://id.example.com", "sub": "1"}


@pytest.mark.parametrize(
    ("claims", "wishes"),
    [
        ({"preferred_username": "Ada.L"}, ("ada.l",)),
        ({"preferred_username": "ada@example.com", "name": "Ada L"}, ("ada", "ada-l")),
        ({"email": "grace@example.com"}, ("grace",)),
        ({"preferred_username": "../../admin"}, ("admin",)),
        ({"preferred_username": "…"}, ("user",)),
        ({"preferred_username": ["ada"], "name": 7}, ("user",)),
        ({"name": "x" * 500}, ("x" * 60,)),
        ({"name": "\N{RIGHT-TO-LEFT OVERRIDE}nimda"}, ("user",)),
        ({}, ("user",)),
    ],
)
def test_usernames_are_made_of_what_the_provider_says(
    claims: dict[str, Any], wishes: tuple[str, ...]
) -> None:
    found = read_person(SUBJECT | claims, "groups").usernames
    assert found == wishes
    assert all(map(is_username, found))


@pytest.mark.parametrize(
    ("told", "groups"),
    [
        (["a", "b", 7, None, ["c"]], {"a", "b"}),
        ("example.com", {"example.com"}),
        (None, set()),
        ({"a": True}, set()),
    ],
)
def test_groups_are_texts(told: object, groups: set[str]) -> None:
    assert read_person(SUBJECT | {"hd": told}, "hd").groups == groups


def test_groups_that_are_left_out_are_not_taken_for_none() -> None:
    with pytest.raises(UnknownGroupsError):
        read_person(SUBJECT | {"_claim_names": {"groups": "src1"}}, "groups")
    assert read_person(SUBJECT | {"_claim_names": {"roles": "src1"}}, "groups").groups == set()
