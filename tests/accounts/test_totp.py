"""Codes that change every half minute."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packslip.accounts import totp

#: Of RFC 6238, appendix B; the codes there have two more digits.
SECRET = base64.b32encode(b"12345678901234567890").decode()


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_codes_are_those_of_the_specification(seconds: int, code: str) -> None:
    assert totp.matching_step(SECRET, code, at(seconds), after=None) == seconds // 30
    assert totp.matching_step(SECRET, f" {code[:3]} {code[3:]}", at(seconds), after=None)


@pytest.mark.parametrize(("off", "taken"), [(-60, False), (-30, True), (30, True), (60, False)])
def test_a_clock_may_be_off_by_one_step(off: int, taken: bool) -> None:
    step = totp.matching_step(SECRET, "050471", at(1111111111 + off), after=None)
    assert step == (1111111111 // 30 if taken else None)


def test_no_step_is_taken_again_and_none_before_it() -> None:
    step = 1111111111 // 30
    for after in (step, step + 1):
        assert totp.matching_step(SECRET, "050471", at(1111111111), after=after) is None


@given(st.text(max_size=50))
def test_other_texts_are_no_codes(code: str) -> None:
    step = totp.matching_step(SECRET, code, at(1111111111), after=None)
    assert step is None or code.split() == ["050471"]


@pytest.mark.parametrize("code", ["٠٥٠٤٧١", "050471" * 10000, "0504710", "50471", "\ud800"])
def test_hostile_texts_are_no_codes(code: str) -> None:
    assert totp.matching_step(SECRET, code, at(1111111111), after=None) is None


def test_an_authenticator_learns_which_index_and_whose_account_it_is() -> None:
    secret = totp.new_secret()
    address = totp.enrolment_address(secret, "ada", "packages.example.com")
    assert unquote(address).startswith("otpauth://totp/Packslip packages.example.com:ada?")
    assert f"secret={secret}" in address


def test_the_picture_needs_neither_styles_nor_scripts() -> None:
    picture = unquote(totp.qr_code("otpauth://totp/x?secret=ABC"))
    assert picture.startswith("data:image/svg+xml")
    assert "style" not in picture
    assert "script" not in picture
    assert "fill='#fff'" in picture
