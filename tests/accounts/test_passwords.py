import contextlib
import unicodedata
from typing import Any

import pytest
import zxcvbn.matching
from argon2 import PasswordHasher
from tests.helpers.hashing import hash_as_in_earnest

from packslip.accounts import passwords
from packslip.accounts.passwords import (
    CommonPasswordError,
    PasswordLengthError,
    PasswordTextError,
    check_new_password,
    hash_password,
    renew_hash,
    verify_password,
)

SHORTEST = "kelp mug ufo"
#: 256 characters that nobody would try.
LONGEST = (f"{SHORTEST} shed owl " * 13)[:256]


@pytest.fixture
def in_earnest(monkeypatch: pytest.MonkeyPatch) -> None:
    hash_as_in_earnest(monkeypatch)


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


@pytest.mark.usefixtures("in_earnest")
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


@pytest.mark.parametrize("password", [SHORTEST, LONGEST, "🔑🚪🏠" + LONGEST[3:], "пароль пароль"])
def test_any_unicode_of_a_good_length_is_taken(password: str) -> None:
    assert verify_password(hash_password(password), password)


def test_it_does_not_matter_how_an_accent_is_composed() -> None:
    password = LONGEST[:240] + "é" * 16
    decomposed = unicodedata.normalize("NFD", password)
    assert len(decomposed) == 272
    assert verify_password(hash_password(decomposed), password)
    assert verify_password(hash_password(password), decomposed)


def test_surrogates_are_refused_and_never_match() -> None:
    with pytest.raises(PasswordTextError):
        hash_password("\udc80" * 12)
    assert not verify_password(hash_password(SHORTEST), "\udc80" * 12)


def test_a_password_that_goes_on_behind_the_limit_does_not_match() -> None:
    hashed = hash_password(LONGEST)
    assert not verify_password(hashed, LONGEST + "x")
    assert not verify_password(hashed, LONGEST + "x" * 100_000)


def test_without_a_hash_nothing_matches() -> None:
    assert not verify_password(None, "")
    assert not verify_password(None, "\0" * 32)


def test_a_damaged_hash_matches_nothing() -> None:
    assert not verify_password("not a hash", "correct horse")


@pytest.mark.usefixtures("in_earnest")
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
    # In a row of accents each is moved past all others when it is normalised.
    for huge in ("x" * 1_000_000, "\u0315\u0300" * 250_000):
        assert not verify_password(None, huge)
        with pytest.raises(PasswordLengthError, match="12 to 256 characters, not "):
            hash_password(huge)
    assert max(seen) <= 4 * 256


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "passwordpassword",
        "123456789012",
        "qwertyuiop12",
        "aaaaaaaaaaaa",
        "Passw0rd1234",
        "abc" * 50,
        "packslip1234",
        "adalovelace1",
        "ada@example.com",
        "hunter2hunter2",
    ],
)
def test_what_is_easy_to_guess_is_refused(password: str) -> None:
    with pytest.raises(CommonPasswordError) as error:
        check_new_password(password, "ada", "Ada Lovelace", "ada@example.com")
    assert error.value.field == "password"


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "correct horse battery staple",
        "a long enough password",
        "secret-password-1",
        "kelp mug ufo",
        "пароль пароль",
    ],
)
def test_ordinary_pass_phrases_are_taken(password: str) -> None:
    check_new_password(password, "ada", "Ada Lovelace", "ada@example.com")


def test_what_is_known_of_a_user_is_not_known_of_the_next_one() -> None:
    with pytest.raises(CommonPasswordError):
        check_new_password("zebulonquist", "Zebulon Quist")
    check_new_password("zebulonquist", "Ada Lovelace")


@pytest.mark.parametrize("password", ["4@8({[<369!1|7+0$5%2" * 10, "1|!7" * 64, "p@$sw0rd" * 32])
def test_no_password_is_looked_at_for_long(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    looked_up = 0
    match = zxcvbn.matching.dictionary_match

    def counted(text: str, *arguments: Any, **options: Any) -> Any:
        nonlocal looked_up
        looked_up += len(text) ** 2
        return match(text, *arguments, **options)

    monkeypatch.setattr(zxcvbn.matching, "dictionary_match", counted)
    with contextlib.suppress(CommonPasswordError):
        check_new_password(password, "a" * 100_000)
    # Several seconds without limits, in which nothing else in the process runs.
    assert looked_up < 100 * passwords.LOOKED_AT**2


def test_a_hash_is_renewed_when_parameters_rise(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = hash_password("correct horse battery")
    assert renew_hash(hashed, "correct horse battery") is None
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64))
    renewed = renew_hash(hashed, "correct horse battery")
    assert renewed is not None
    assert "m=64,t=1" in renewed
    assert verify_password(renewed, "correct horse battery")


def test_a_password_from_before_todays_rules_is_renewed_too() -> None:
    weaker = PasswordHasher(time_cost=1, memory_cost=64).hash("short")
    renewed = renew_hash(weaker, "short")
    assert renewed is not None
    assert verify_password(renewed, "short")
