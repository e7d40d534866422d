from collections.abc import Iterator

import pytest

from packslip.accounts import verified


@pytest.fixture(autouse=True)
def empty() -> Iterator[None]:
    verified.forget_all()
    yield
    verified.forget_all()


def test_what_was_right_is_remembered_for_that_user_hash_and_password_alone() -> None:
    verified.remember(1, "hash", "password")
    assert verified.is_remembered(1, "hash", "password")
    assert not verified.is_remembered(2, "hash", "password")
    assert not verified.is_remembered(1, "hash", "password", "192.0.2.1")
    assert verified.is_remembered(1, "hash", "password")


@pytest.mark.parametrize("other", [("other hash", "password"), ("hash", "other password")])
def test_a_guess_ends_it_for_that_user_and_address_alone(other: tuple[str, str]) -> None:
    for user_id, address in ((1, "192.0.2.1"), (1, "192.0.2.2"), (2, "192.0.2.1")):
        verified.remember(user_id, "hash", "password", address)
    assert not verified.is_remembered(1, *other, "192.0.2.1")
    assert not verified.is_remembered(1, "hash", "password", "192.0.2.1")
    assert verified.is_remembered(1, "hash", "password", "192.0.2.2")
    assert verified.is_remembered(2, "hash", "password", "192.0.2.1")


def test_it_is_forgotten_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(verified.time, "monotonic", lambda: now)
    verified.remember(1, "hash", "password")
    now += verified.LIFETIME - 1
    assert verified.is_remembered(1, "hash", "password")
    now += 1
    assert not verified.is_remembered(1, "hash", "password")


def test_looking_does_not_lengthen_it(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(verified.time, "monotonic", lambda: now)
    verified.remember(1, "hash", "password")
    for _ in range(10):
        now += verified.LIFETIME / 10
        remembered = verified.is_remembered(1, "hash", "password")
    assert not remembered


def test_the_oldest_make_room() -> None:
    for number in range(verified.MAX_ENTRIES + 1):
        verified.remember(number, "hash", "password")
    assert not verified.is_remembered(0, "hash", "password")
    assert verified.is_remembered(1, "hash", "password")


def test_no_password_is_kept() -> None:
    verified.remember(1, "the stored hash", "the password")
    kept = str(verified._marks).encode()
    assert b"the password" not in kept
    assert b"the stored hash" not in kept
