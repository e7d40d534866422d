import unicodedata
from typing import Any

import pytest
from argon2 import PasswordHasher

from packslip.accounts import passwords
from packslip.accounts.passwords import (
    PasswordLengthError,
    PasswordTextError,
    hash_password,
    verify_password,
)


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes that passwords are checked against."""
    hashes: list[str] = []
    verify = PasswordHasher.verify

    def counted(self: PasswordHasher, hashed: str, password: Any) -> bool:
        hashes.append(hashed)
        return verify(self, hashed, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    return hashes


def test_a_hash_is_argon2id_with_a_salt_of_its_own() -> None:
    first, second = hash_password("correct horse"), hash_password("correct horse")
    assert first.startswith("$argon2id$v=19$m=32768,t=3,p=1$")
    assert first != second


def test_only_the_right_password_verifies() -> None:
    hashed = hash_password("correct horse")
    assert verify_password(hashed, "correct horse")
    assert not verify_password(hashed, "correct Horse")
    assert not verify_password(hashed, "correct horse ")
    assert not verify_password(hashed, "")


@pytest.mark.parametrize("length", [0, 11, 257, 5000])
def test_a_refusal_names_the_limits(length: int) -> None:
    with pytest.raises(PasswordLengthError, match=rf"12 to 256 characters, not {length}\."):
        hash_password("x" * length)


@pytest.mark.parametrize("password", ["x" * 12, "x" * 256, "🔑" * 256, "пароль пароль"])
def test_any_unicode_of_a_good_length_is_taken(password: str) -> None:
    assert verify_password(hash_password(password), password)


def test_it_does_not_matter_how_an_accent_is_composed() -> None:
    password = "é" * 256
    decomposed = unicodedata.normalize("NFD", password)
    assert len(decomposed) == 512
    assert verify_password(hash_password(decomposed), password)
    assert verify_password(hash_password(password), decomposed)


def test_surrogates_are_refused_and_never_match() -> None:
    with pytest.raises(PasswordTextError):
        hash_password("\udc80" * 12)
    assert not verify_password(hash_password("x" * 12), "\udc80" * 12)


def test_a_password_that_goes_on_behind_the_limit_does_not_match() -> None:
    hashed = hash_password("x" * 256)
    assert not verify_password(hashed, "x" * 257)
    assert not verify_password(hashed, "x" * 100_000)


def test_without_a_hash_nothing_matches() -> None:
    assert not verify_password(None, "")
    assert not verify_password(None, "\0" * 32)


def test_a_damaged_hash_matches_nothing() -> None:
    assert not verify_password("not a hash", "correct horse")


def test_a_missing_user_costs_the_same_work(checked: list[str]) -> None:
    verify_password(hash_password("correct horse"), "wrong password")
    verify_password(None, "wrong password")
    somebodys, nobodys = (hashed.split("$") for hashed in checked)
    assert somebodys[:4] == nobodys[:4] == ["", "argon2id", "v=19", "m=32768,t=3,p=1"]
    assert [len(part) for part in somebodys] == [len(part) for part in nobodys]


def test_a_huge_password_is_cut_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    normalize = unicodedata.normalize

    def counted(form: Any, text: str) -> str:
        seen.append(len(text))
        return normalize(form, text)

    monkeypatch.setattr(passwords.unicodedata, "normalize", counted)
    assert not verify_password(None, "x" * 1_000_000)
    assert max(seen) <= 4 * 256
