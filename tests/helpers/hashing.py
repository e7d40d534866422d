"""Password hashes that cost next to nothing, for tests that check many."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from packslip.accounts import passwords


def hash_cheaply(monkeypatch: pytest.MonkeyPatch, memory_cost: int = 64) -> None:
    """From now on hash with little memory, for a user who is not there too."""
    hasher = PasswordHasher(time_cost=1, memory_cost=memory_cost, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", hasher)
    parameters = f"m={memory_cost},t=1,p=1"
    nobodys = f"$argon2id$v=19${parameters}${'A' * 22}${'A' * 43}"
    monkeypatch.setattr(passwords, "_NOBODYS_HASH", nobodys)
