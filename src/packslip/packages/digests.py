"""The digests of a file, computed while its bytes come by."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

_PIECE = 256 * 1024


@dataclass(frozen=True)
class Digests:
    """The digests of one file, in lower-case hexadecimal."""

    sha256: str
    md5: str
    #: BLAKE2b with 32 bytes.
    blake2_256: str

    def agree_with(self, *, sha256: str | None, blake2_256: str | None, md5: str | None) -> bool:
        """Whether they are those of a file of which perhaps not every digest is known.

        The strongest one that is known decides; without any, they are not.
        """
        if sha256 or blake2_256:
            return sha256 in {None, self.sha256} and blake2_256 in {None, self.blake2_256}
        return md5 == self.md5


class Digester:
    """Computes all digests of what it is given, piece by piece."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        # Old tools send nothing but an MD5; it is compared, and protects from nobody.
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._blake2 = hashlib.blake2b(digest_size=32)

    def update(self, data: bytes) -> None:
        """Take the next bytes."""
        for algorithm in (self._sha256, self._md5, self._blake2):
            algorithm.update(data)

    def digests(self) -> Digests:
        """The digests of all bytes so far."""
        return Digests(self._sha256.hexdigest(), self._md5.hexdigest(), self._blake2.hexdigest())


def digests_of(path: Path) -> Digests:
    """The digests of a file on the disk.

    Raises:
        OSError: it cannot be read.
    """
    digester = Digester()
    with path.open("rb", buffering=0) as file:
        while piece := file.read(_PIECE):
            digester.update(piece)
    return digester.digests()
