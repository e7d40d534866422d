"""Spools: files to which the server's processes append a line for each download.

A process writes to a file of its own, `<when>-<process>-<random>.jsonl`, which it keeps locked for
as long as it lives. So anybody can tell the spools that still grow from those that do not. A file
gets this name only once it is locked; its name is never used again.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec

#: Bytes after which a process begins another spool, so that this one can be removed.
ROTATE_AT = 4 * 1024 * 1024

#: Bytes of lines that a process keeps in memory while they cannot be written.
BACKLOG_LIMIT = 1024 * 1024

#: Bytes that are read at once. No line is this long.
READ_SIZE = 1024 * 1024

_SUFFIX = ".jsonl"

Id = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class DownloadRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of a spool."""

    at: Annotated[datetime, msgspec.Meta(tz=True)]
    package: str
    release: Id
    file: str
    address: str | None = None
    user_agent: str = ""
    user: Id | None = None
    token: Id | None = None


_decoder = msgspec.json.Decoder(DownloadRecord)


class BacklogFullError(Exception):
    """A line was dropped: none can be written, and no more are kept in memory."""


class SpoolWriter:
    """Appends lines to this process's spool. Threads may share it, and it follows a fork."""

    def __init__(self, folder: Path, rotate_at: int = ROTATE_AT) -> None:
        self.folder = folder
        self._rotate_at = rotate_at
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._size = 0
        self._backlog = b""
        self._process = os.getpid()

    def append(self, line: bytes) -> None:
        """Append one line, which the kernel has when this returns.

        Raises:
            OSError: it could not be written. It is kept in memory and written before the next.
            BacklogFullError: it could not be written, nor be kept.
        """
        with self._lock:
            self._follow_fork()
            if len(self._backlog) + len(line) >= BACKLOG_LIMIT:
                self._write_backlog_or_fail()
            self._backlog += line + b"\n"
            self._write_backlog()

    def flush(self) -> None:
        """Write what could not be written before.

        Raises:
            OSError: it still cannot.
        """
        with self._lock:
            self._follow_fork()
            self._write_backlog()

    def close(self) -> None:
        """Let go of the spool. The next line goes to a new one."""
        with self._lock:
            self._close()

    def _follow_fork(self) -> None:
        if self._process != os.getpid():
            # The lines in memory are the parent's to write, and the lock stays with its file.
            self._process = os.getpid()
            self._backlog = b""
            self._close()

    def _write_backlog_or_fail(self) -> None:
        try:
            self._write_backlog()
        except OSError as error:
            raise BacklogFullError from error

    def _write_backlog(self) -> None:
        while self._backlog:
            if self._descriptor is None:
                self._descriptor = _create_spool(self.folder)
                self._size = 0
            # On a full disk only a part may be written. The rest of the line then comes next, so
            # that a line is torn only when the process dies before that.
            written = os.write(self._descriptor, self._backlog)
            self._backlog = self._backlog[written:]
            self._size += written
        if self._size >= self._rotate_at:
            self._close()

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _create_spool(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}-{secrets.token_hex(6)}"
    draft = folder / f"{name}.new"
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    # It holds addresses, which are nobody's business.
    descriptor = os.open(draft, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        draft.rename(folder / f"{name}{_SUFFIX}")
    except OSError:
        os.close(descriptor)
        draft.unlink(missing_ok=True)
        raise
    return descriptor


def list_spools(folder: Path) -> list[Path]:
    """Return all spools in `folder`, the oldest first."""
    return sorted(folder.glob(f"*{_SUFFIX}"))


def has_writer(spool: Path) -> bool:
    """Whether a living process may still append to it. Once it is False, it stays so."""
    descriptor = os.open(spool, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@dataclass
class Batch:
    """What was read of a spool: it ends at the byte `end`."""

    end: int
    records: list[DownloadRecord] = field(default_factory=list)
    #: Lines that are no records.
    malformed: int = 0


def read_batch(spool: Path, start: int, *, finished: bool) -> Batch:
    """Read some lines from the byte `start` on.

    A last line without an end is left for later, unless the spool is `finished`.
    """
    with spool.open("rb") as file:
        file.seek(start)
        data = file.read(READ_SIZE)
    end = data.rfind(b"\n") + 1
    # A block without any end of line is damage, to be passed over rather than to stop at.
    if len(data) == READ_SIZE and not end:
        return Batch(start + len(data), malformed=1)
    if finished and len(data) < READ_SIZE:
        end = len(data)
    batch = Batch(start + end)
    for line in data[:end].split(b"\n"):
        if not line:
            continue
        try:
            batch.records.append(_decoder.decode(line))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            batch.malformed += 1
    return batch
