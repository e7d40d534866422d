from __future__ import annotations

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from packslip.packages.mending import readable_requirement, readable_specifiers


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("a>=1.0,<2.0", "a>=1.0,<2.0"),
        ("a (>=1.0)", "a>=1.0"),
        ("elastic-dsl (>=7.2.0<8.0.0)", "elastic-dsl>=7.2.0,<8.0.0"),
        ("core (!=~5.0,>=4.12)", "core!=5.0.*,>=4.12"),
        ("py3-torch (>=1.9.*)", "py3-torch>=1.9"),
        ("zmq (>=2.7,!=3.0*)", "zmq>=2.7,!=3.0.*"),
        ("pytz>dev", "pytz>0.dev0"),
        ("boto>=1.3.0,<1.4.0',", "boto>=1.3.0,<1.4.0"),
        ("a>=9.0.0a1.0", "a>=9.0.0a1"),
        ("a >=2.7' ; python_version < '3'", "a>=2.7; python_version < '3'"),
        ("a @ https://example.com/a.whl", "a @ https://example.com/a.whl"),
    ],
)
def test_requirements_are_read_as_they_were_meant(text: str, meant: str) -> None:
    assert Requirement(readable_requirement(text)) == Requirement(meant)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (">=3.11", ">=3.11"),
        (">=2.7,", ">=2.7"),
        (">=3.6 <4", ">=3.6,<4"),
        (">=3.6.*", ">=3.6"),
        (">= '2.7'", ">=2.7"),
        (">=2.7, !=3.0.*, !=3.1.*', !=3.2.*'", ">=2.7,!=3.0.*,!=3.1.*,!=3.2.*"),
        (">=2.7,!=3.0.*,<3.4.*", ">=2.7,!=3.0.*,<3.4"),
    ],
)
def test_specifiers_are_read_as_they_were_meant(text: str, meant: str) -> None:
    assert SpecifierSet(readable_specifiers(text)) == SpecifierSet(meant)


@pytest.mark.parametrize("text", ["a>=1.0,<2.0; python_version < '3'", "a [b]  >= 1"])
def test_what_is_right_is_not_touched(text: str) -> None:
    assert readable_requirement(text) == text


@pytest.mark.parametrize("text", ["", "a b", "a >= banana", "a; (((", "a; x == 'y'"])
def test_what_cannot_be_understood_is_a_fault(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        readable_requirement(text)
