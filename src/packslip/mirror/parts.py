"""Files that are on their way from upstream: what has come of them, and how it stands.

Whoever fetches a file holds the lock of its part file and appends to it. All others, in whatever
process of this machine, read behind. A process that dies leaves its lock free and its bytes there
for the next one to go on from.

A part file has a head of one block, then the bytes. The head outlives the file's name: who has the
file open reads how it ended, though it was removed.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from packslip.errors import (
    BadGatewayError,
    GatewayTimeoutError,
    NotFoundError,
    PackslipError,
    StorageFullError,
    UnavailableError,
)

#: Bytes before those of the file itself.
HEAD = 4096

#: Seconds after which what nobody goes on with is removed.
SWEEP_AFTER = 24 * 60 * 60

_FRAME = struct.Struct("<II")
_SUFFIX = ".part"

#: How an error reaches those in other processes who wait: as a kind and a sentence.
_KINDS: dict[str, type[PackslipError]] = {
    "timeout": GatewayTimeoutError,
    "gateway": BadGatewayError,
    "full": StorageFullError,
    "gone": NotFoundError,
    "unavailable": UnavailableError,
}


class Stage(StrEnum):
    """How it stands with a fetch."""

    RUNNING = "running"
    #: All bytes are there and are the right ones.
    WHOLE = "whole"
    #: They were in the storage already.
    KEPT = "kept"
    FAILED = "failed"


class Head(msgspec.Struct, frozen=True):
    """What is known of a fetch beside the bytes."""

    stage: Stage = Stage.RUNNING
    #: Changes with each attempt.
    attempt: str = ""
    #: Changes whenever bytes that were there before are given up.
    turn: int = 0
    #: Bytes that the file will have, once upstream has said so.
    length: int | None = None
    #: What upstream's answer is told from a later one by: a strong ETag or a date.
    validator: str | None = None
    #: Why it failed: one of the kinds above, and the sentence.
    failure: tuple[str, str] | None = None
    #: When an event last told that this file cannot be had whole, in seconds since 1970.
    told_at: float = 0

    @property
    def is_done(self) -> bool:
        """Whether all bytes are there and verified."""
        return self.stage in {Stage.WHOLE, Stage.KEPT}

    def error(self) -> PackslipError:
        """The error with which it failed."""
        kind, reason = self.failure or ("unavailable", "The file could not be fetched.")
        return _KINDS.get(kind, UnavailableError)(reason)


def failure_of(error: PackslipError) -> tuple[str, str]:
    """The error as a head tells it."""
    kind = next((name for name, kind in _KINDS.items() if isinstance(error, kind)), "unavailable")
    return kind, error.reason[:1000]


class PartFile:
    """An open part file. It may have lost its name meanwhile."""

    def __init__(self, path: Path) -> None:
        """Open it, and make it unless it is there.

        Raises:
            StorageFullError: there is no room for it.
        """
        self.path = path
        with translated_errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @property
    def size(self) -> int:
        """Bytes of the file that have come."""
        return max(0, os.fstat(self._descriptor).st_size - HEAD)

    @property
    def has_name(self) -> bool:
        """Whether it is still what others find under its path."""
        return os.fstat(self._descriptor).st_nlink > 0

    def lock(self) -> bool:
        """Become the one who fetches, unless somebody is; it ends when the file is closed."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def head(self) -> Head:
        """What is known of the fetch now."""
        for _ in range(50):
            block = os.pread(self._descriptor, HEAD, 0)
            length, checksum = _FRAME.unpack_from(block.ljust(_FRAME.size, b"\0"))
            told = block[_FRAME.size : _FRAME.size + length]
            if not told:
                break
            if zlib.crc32(told) == checksum:
                with suppress(msgspec.MsgspecError):
                    return msgspec.json.decode(told, type=Head)
                # Another version has written it.
                break
            # It is just being written.
            time.sleep(0.001)
        return Head()

    def write_head(self, head: Head) -> None:
        """Let everybody know that."""
        told = msgspec.json.encode(head)
        block = _FRAME.pack(len(told), zlib.crc32(told)) + told
        with translated_errors():
            os.pwrite(self._descriptor, block.ljust(HEAD, b"\0"), 0)

    def append(self, data: bytes) -> None:
        """Add bytes at the end.

        Raises:
            StorageFullError: there is no room for them.
        """
        rest = memoryview(data)
        position = HEAD + self.size
        with translated_errors():
            while rest:
                written = os.pwrite(self._descriptor, rest, position)
                position += written
                rest = rest[written:]

    def cut(self, size: int) -> None:
        """Give up what comes after so many bytes."""
        os.ftruncate(self._descriptor, HEAD + size)

    def read(self, start: int, stop: int, block: int) -> Iterator[bytes]:
        """Yield the bytes in between, in blocks of that many; fewer when they are not there."""
        while start < stop:
            data = os.pread(self._descriptor, min(block, stop - start), HEAD + start)
            if not data:
                return
            start += len(data)
            yield data

    def remove(self) -> None:
        """Take its name away. Only who holds the lock may do so."""
        if self.has_name:
            self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of it, and of the lock."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        self.close()


def part_path(folder: Path, name: str) -> Path:
    """Where the part file of that name is."""
    return folder / f"{name}{_SUFFIX}"


def sweep_parts(folder: Path, *, older_than: float = SWEEP_AFTER) -> int:
    """Remove part files to which nothing was added for so many seconds; give their number."""
    removed = 0
    for path in folder.glob(f"*{_SUFFIX}") if folder.is_dir() else ():
        try:
            if time.time() - path.stat().st_mtime < older_than:
                continue
            with PartFile(path) as part:
                if part.lock() and part.has_name:
                    part.remove()
                    removed += 1
        except FileNotFoundError:
            continue
    return removed


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn what the operating system says about room and rights into errors of Packslip."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageFullError("There is no room left for files of the mirror.") from error
        problem = os.strerror(error.errno or 0).lower()
        raise UnavailableError(f"The mirror's folder cannot be used: {problem}.") from error
