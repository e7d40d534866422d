"""Whether bytes are those that upstream announced."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


#: Digests that can be checked, the strongest first.
_ALGORITHMS: Mapping[str, Callable[[], _Hash]] = {
    "sha256": hashlib.sha256,
    "sha512": hashlib.sha512,
    "sha3_512": hashlib.sha3_512,
    "blake2b": hashlib.blake2b,
    "sha384": hashlib.sha384,
    "sha3_384": hashlib.sha3_384,
    "sha3_256": hashlib.sha3_256,
    "blake2b_256": lambda: hashlib.blake2b(digest_size=32),
    "blake2_256": lambda: hashlib.blake2b(digest_size=32),
    "blake2s": hashlib.blake2s,
    "sha224": hashlib.sha224,
    "sha3_224": hashlib.sha3_224,
    # Weak ones are better than nothing: what upstream offers is what it can be held to.
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "md5": lambda: hashlib.md5(usedforsecurity=False),
}


@dataclass(frozen=True)
class Expected:
    """What upstream says of a file's bytes."""

    #: None when it does not say.
    size: int | None
    #: The algorithm of the strongest digest that can be checked, and that in hexadecimal.
    digest: tuple[str, str] | None


def strongest(digests: Mapping[str, str | None]) -> tuple[str, str] | None:
    """The strongest of the digests that can be checked, SHA-256 before all others."""
    for name in _ALGORITHMS:
        if digest := digests.get(name):
            return name, digest.lower()
    return None


class Checker:
    """Compares bytes that come by with what is expected of them."""

    def __init__(self, expected: Expected) -> None:
        self._expected = expected
        self._sha256 = hashlib.sha256()
        self._other: _Hash | None = None
        if expected.digest is not None and expected.digest[0] != "sha256":
            self._other = _ALGORITHMS[expected.digest[0]]()
        self.size = 0

    @property
    def sha256(self) -> str:
        """Of all bytes so far, in hexadecimal."""
        return self._sha256.hexdigest()

    def update(self, data: bytes) -> None:
        """Take the next bytes."""
        self._sha256.update(data)
        if self._other is not None:
            self._other.update(data)
        self.size += len(data)

    def fault(self) -> str | None:
        """What is wrong with the bytes, as if no more came; None when they are right."""
        expected = self._expected
        if expected.size is not None and self.size != expected.size:
            return f"{self.size} bytes came instead of {expected.size}"
        if expected.digest is None:
            return None
        name, wanted = expected.digest
        found = self.sha256 if self._other is None else self._other.hexdigest()
        return None if found == wanted else f"its {name} is {found} instead of {wanted}"
