"""Password hashes that cost next to nothing, which tests work with unless they are about hashes."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from packslip.accounts import passwords

_REAL = passwords._hasher, passwords._NOBODYS_HASH


def hash_cheaply(monkeypatch: pytest.MonkeyPatch, memory_cost: int = 64) -> None:
    """From now on hash with little memory, for a user who is not there too."""
    hasher = PasswordHasher(time_cost=1, memory_cost=memory_cost, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", hasher)
    parameters = f"m={memory_cost},t=1,p=1"
    nobodys = f"$argon2id$v=19${parameters}${'A' * 22}${'A' * 43}"
    monkeypatch.setattr(passwords, "_NOBODYS_HASH", nobodys)


def hash_as_in_earnest(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on hash with the parameters that people's passwords are hashed with."""
    hasher, nobodys = _REAL
    monkeypatch.setattr(passwords, "_hasher", hasher)
    monkeypatch.setattr(passwords, "_NOBODYS_HASH", nobodys)
