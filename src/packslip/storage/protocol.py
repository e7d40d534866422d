"""What a storage does, whatever it is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from packslip.errors import InvalidError, UnavailableError

#: Bytes that are read at once.
BLOCK_SIZE = 256 * 1024

#: Bytes that a part of a key may have, the limit of common file systems.
_MAX_PART = 255

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


class InvalidKeyError(InvalidError):
    """A key that no storage takes, because it could lead out of it."""

    def __init__(self, key: str) -> None:
        super().__init__(f"Not a storage key: {key!r}.")
        self.key = key


class MissingBytesError(UnavailableError):
    """There are no bytes, or too few, under a key.

    Rows name only keys that were stored. This is therefore damage that a backup mends, and not
    "not found", after which an installer would go on to another index.
    """

    def __init__(self, key: str) -> None:
        super().__init__(f"The bytes of {key.rpartition('/')[2]} are missing.")
        self.key = key


class StorageUnavailableError(UnavailableError):
    """The storage cannot be used: it is read-only, not permitted, or its device fails."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"The storage cannot be used: {problem}.")
        self.problem = problem


class StagedFile(Protocol):
    """A file on the local disk, on its way into the storage."""

    @property
    def path(self) -> Path:
        """Where it is; all bytes written so far can be read there."""

    @property
    def size(self) -> int:
        """Bytes written so far."""

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        """Append all of `data`; return its length.

        Raises:
            StorageFullError: there is no room left.
        """


class StoredFile(Protocol):
    """An open handle on stored bytes. Deleting the key does not disturb what is being read."""

    @property
    def size(self) -> int:
        """Bytes that it has."""

    @property
    def local_file(self) -> BinaryIO | None:
        """The open file, when it is one of this machine: what the kernel's sendfile takes."""

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Yield the bytes from `start` up to `stop` (the end by default), block by block.

        Raises:
            MissingBytesError: the stored bytes end before `stop`.
        """

    def close(self) -> None:
        """Release it."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None: ...


@dataclass(frozen=True)
class StoredKey:
    """A key under which there is something, as it was when the storage was listed."""

    key: str
    #: Bytes.
    size: int
    #: When it was last put, be it that nothing had to be stored any more.
    put_at: datetime


class Storage(Protocol):
    """Keeps bytes under keys.

    Keys name content (see `content_key`): the same key always means the same bytes. It follows
    that a key is never overwritten, and that storing it again is harmless.

    Every method that takes a key raises `InvalidKeyError` for one that is malformed, and
    `StorageUnavailableError` when the storage cannot be used; every method that writes raises
    `packslip.errors.StorageFullError` when there is no room left.
    """

    def stage(self) -> AbstractContextManager[StagedFile]:
        """Give an empty file to write to. It is removed at the end of the block, if not put."""

    def put(self, key: str, staged: StagedFile) -> None:
        """Store what was written to `staged`, which this storage gave; once.

        When it returns, the bytes survive the loss of power. Until it has stored everything, the
        key does not exist for anybody. A key that exists keeps its bytes.
        """

    def put_bytes(self, key: str, data: bytes) -> None:
        """Store `data`, as `put` does."""

    def open(self, key: str) -> StoredFile:
        """Open what is stored under `key`.

        Raises:
            MissingBytesError: nothing is.
        """

    def signed_address(self, key: str, lifetime: timedelta) -> str | None:
        """An address at which whoever has it gets the bytes for so long; None if there is none.

        Nothing is asked: there may be no bytes.
        """

    def delete(self, key: str) -> None:
        """Remove the key for good. It need not exist."""

    def exists(self, key: str) -> bool:
        """Whether something is stored under `key`."""

    def keys(self) -> Iterator[StoredKey]:
        """Yield all keys, in no order. What comes and goes meanwhile may be among them or not."""

    def delete_unused(self, key: str, *, since: datetime) -> bool:
        """Remove the key for good, unless it was put after that; return whether it was removed.

        Somebody may just be putting it: either they find it gone and store it anew, or it stays.
        """

    def set_aside(self, key: str) -> None:
        """Take bytes that are not what they should be away from the key, but keep them.

        No key leads to them any more; whoever looks after the storage can look at them. The key
        need not exist.
        """

    def check(self) -> None:
        """Return if bytes can be stored now, and raise what prevents it otherwise."""

    def clean_staging(self, *, dry_run: bool = False) -> int:
        """Remove staged files that dead processes left; return their number.

        Files that a living process writes to are left alone. A `dry_run` only counts.
        """


def content_key(sha256: str, filename: str) -> str:
    """Return the key of the file with this digest (hexadecimal) and name.

    It reads `ab/cd/<60 hex digits>/<filename>`, and is the file's address below `/files/` too.

    Raises:
        InvalidKeyError: the digest or the name cannot be part of a key.
    """
    key = f"{sha256[:2]}/{sha256[2:4]}/{sha256[4:]}/{filename}"
    if not _SHA256.match(sha256) or "/" in filename:
        raise InvalidKeyError(key)
    return check_key(key)


def metadata_key(key: str) -> str:
    """Return the key of the core metadata that belongs to the file with this key."""
    return f"{key}.metadata"


def kept_metadata_key(sha256: str, filename: str) -> str:
    """Return the key of the core metadata with that digest of a mirrored file.

    It is named after its own bytes: those of the file may not be known yet, and upstreams do change
    what they say.
    """
    return content_key(sha256, metadata_key(filename))


def check_key(key: str) -> str:
    """Return `key` if it stays inside a storage.

    Its parts are separated by slashes; none is empty, begins with a dot, has control characters
    or a backslash, or more than 255 bytes.

    Raises:
        InvalidKeyError: it does not.
    """
    if not all(_is_safe_part(part) for part in key.split("/")):
        raise InvalidKeyError(key)
    return key


def _is_safe_part(part: str) -> bool:
    if not part or part.startswith(".") or "\\" in part or not part.isprintable():
        return False
    return len(part.encode()) <= _MAX_PART
