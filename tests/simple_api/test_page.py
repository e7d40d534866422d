from __future__ import annotations

import pytest

from packslip.simple_api.page import InvalidPackageNameError, normalize_name


@pytest.mark.parametrize(
    "name",
    [
        "friendly-bard",
        "Friendly-Bard",
        "FRIENDLY-BARD",
        "friendly.bard",
        "friendly_bard",
        "friendly--bard",
        "FrIeNdLy-._.-bArD",
    ],
)
def test_all_spellings_of_a_name_are_one(name: str) -> None:
    assert normalize_name(name) == "friendly-bard"


@pytest.mark.parametrize("name", ["a", "7", "Q2"])
def test_one_character_is_enough(name: str) -> None:
    assert normalize_name(name) == name.lower()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-",
        "demo-",
        "_demo",
        ".demo",
        "demo\n",
        "de mo",
        "d\u00e9mo",
        "\u212aelvin",
        "a/b",
        "a\x00b",
    ],
)
def test_an_impossible_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidPackageNameError) as caught:
        normalize_name(name)
    assert caught.value.name == name
