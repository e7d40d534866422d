"""RECORD: what a wheel says of each file in it (PEP 376, PEP 427)."""

from __future__ import annotations

import base64
import binascii
import csv
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from packslip.packages.archives.members import MOST_MEMBERS, InvalidArchiveError, Member, inside
from packslip.texts import brief

#: Bytes that RECORD may have; a wheel with as many files as are allowed stays below.
LARGEST_RECORD = 16 * 1024**2

#: What no line needs to tell of: it would have to know its own hash, or was made after RECORD.
_WITHOUT_HASH = ("RECORD", "RECORD.jws", "RECORD.p7s")

#: SHA-256 and better ones, as PEP 427 asks for, with the bytes that they give.
_ALGORITHMS = {
    "sha256": 32, "sha384": 48, "sha512": 64,
    "sha3_256": 32, "sha3_384": 48, "sha3_512": 64, "blake2b": 64, "blake2s": 32,
}  # fmt: skip

_SIZE = re.compile(r"[0-9]{1,15}")
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]+")


class InvalidRecordError(InvalidArchiveError):
    """RECORD does not fit what is in the wheel."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"The wheel's RECORD {fault}")


@dataclass(frozen=True, slots=True)
class _Line:
    algorithm: str | None
    digest: bytes
    size: int | None


class Record:
    """What RECORD says, and which of the files were seen that it tells of.

    Args:
        data: All of RECORD.
        folder: The wheel's `.dist-info`.

    Raises:
        InvalidRecordError: It cannot be read.

    """

    def __init__(self, data: bytes, folder: str) -> None:
        self._own = {f"{folder}/{name}" for name in _WITHOUT_HASH}
        self._lines: dict[str, _Line] = {}
        for path, given, size in _rows(data):
            if path in self._own:
                continue
            line = _line(path, given, size)
            if line.algorithm is None:
                raise InvalidRecordError(f"gives no hash of {brief(path)}")
            if self._lines.setdefault(path, line) != line:
                raise InvalidRecordError(f"says different things of {brief(path)}")
        self._left = set(self._lines)

    def compared(self, member: Member) -> Iterator[bytes]:
        """Give what is in a file on, and compare it at its end.

        Raises:
            InvalidRecordError: RECORD does not tell of the file, or of another one.

        """
        if member.name in self._own:
            yield from member.pieces
            return
        line = self._lines.get(member.name)
        if line is None or line.algorithm is None:
            raise InvalidRecordError(f"does not list {brief(member.name)}")
        self._left.discard(member.name)
        digest = hashlib.new(line.algorithm, usedforsecurity=False)
        size = 0
        for piece in member.pieces:
            size += len(piece)
            digest.update(piece)
            yield piece
        if digest.digest() != line.digest:
            raise InvalidRecordError(f"gives another hash than that of {brief(member.name)}")
        if line.size is not None and line.size != size:
            raise InvalidRecordError(f"gives another size than that of {brief(member.name)}")

    def finish(self) -> None:
        """Check that all files were seen.

        Raises:
            InvalidRecordError: One is missing.

        """
        if self._left:
            missing = min(self._left)
            raise InvalidRecordError(f"lists {brief(missing)}, which is not there")


def _rows(data: bytes) -> Iterator[tuple[str, str, str]]:
    # Line by line: taken apart at once, one of the largest size would take many times its own.
    rows = csv.reader((line.decode() for line in io.BytesIO(data)), strict=True)
    try:
        for count, row in enumerate(rows):
            if count > MOST_MEMBERS:
                raise InvalidRecordError(f"has more than {MOST_MEMBERS} lines")
            if not row:
                continue
            if len(row) != 3:
                raise InvalidRecordError(f"has a line that is not path,hash,size: {brief(row[0])}")
            # What leads out of the wheel is no file in it, and missed at the end.
            yield inside(row[0]) or row[0], row[1], row[2]
    except UnicodeDecodeError:
        raise InvalidRecordError("is not UTF-8") from None
    except csv.Error:
        raise InvalidRecordError(f"cannot be read at line {rows.line_num}") from None


def _line(path: str, given: str, size: str) -> _Line:
    if size and not _SIZE.fullmatch(size):
        raise InvalidRecordError(f"gives no size of {brief(path)} but {brief(size)}")
    algorithm, _, encoded = given.partition("=")
    if not given:
        return _Line(None, b"", int(size) if size else None)
    length = _ALGORITHMS.get(algorithm.lower())
    if length is None:
        raise InvalidRecordError(
            f"gives a hash of {brief(path)} that is not SHA-256 or better: {brief(algorithm)}"
        )
    digest = _decoded(encoded, length)
    if digest is None:
        raise InvalidRecordError(f"gives a hash of {brief(path)} that is malformed")
    return _Line(algorithm.lower(), digest, int(size) if size else None)


def _decoded(encoded: str, length: int) -> bytes | None:
    # Some tools wrote hexadecimal digits instead; the two never have the same length.
    if len(encoded) == 2 * length and _HEXADECIMAL.fullmatch(encoded):
        return bytes.fromhex(encoded)
    text = encoded.rstrip("=")
    try:
        # `urlsafe_b64decode` passes over what is not of its alphabet.
        digest = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return digest if len(digest) == length else None
