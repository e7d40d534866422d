"""A backup in one file: a plain tar archive."""

from __future__ import annotations

import fcntl
import os
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import time
from typing import BinaryIO

from packslip.backups.manifests import InvalidBackupError
from packslip.backups.places import BackupBusyError, BackupFileError, DamagedPartError, translated
from packslip.storage.protocol import BLOCK_SIZE

_BLOCK = tarfile.BLOCKSIZE


@contextmanager
def new_archive(path: Path) -> Iterator[ArchiveWriter]:
    """Give an archive to write to, which has the path once the block ends well.

    Until then it is beside it, with `.part` behind its name: under the path there is nothing, or
    a whole backup.

    Raises:
        StorageFullError: there is no room left.
        BackupBusyError: somebody else writes it.
        BackupFileError: it cannot be written.
    """
    if path.exists() and not path.is_file():
        raise BackupFileError(f"{path.name} is no regular file")
    part = path.with_name(f"{path.name}.part")
    with translated(), os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupBusyError from None
        try:
            # Somebody may have been killed over it.
            file.truncate(0)
            yield ArchiveWriter(file)
            file.write(bytes(2 * _BLOCK))
            file.flush()
            os.fsync(file.fileno())
            part.replace(path)
        except BaseException:
            with suppress(OSError):
                part.unlink()
            raise
        _sync_folder(path.absolute().parent)


class ArchiveWriter:
    """Writes members one after the other; see `Target`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._sizes: dict[str, int] = {}

    def size_of(self, path: str) -> int | None:
        return self._sizes.get(path)

    def add(self, path: str, size: int, blocks: Iterable[bytes]) -> None:
        start = self._file.tell()
        try:
            self._file.write(_header(path, size))
            for block in blocks:
                self._file.write(block)
            self._file.write(bytes(-size % _BLOCK))
        except BaseException:
            self._file.seek(start)
            self._file.truncate()
            raise
        self._sizes[path] = size


class ArchiveReader:
    """An archive that is open; see `Source`. Its members are found without reading them."""

    def __init__(self, file: BinaryIO) -> None:
        """Find its members.

        Raises:
            InvalidBackupError: it is no archive, or cut short.
        """
        self._file = file
        try:
            with tarfile.open(fileobj=file, mode="r:") as archive:
                self._members = {
                    member.name: (member.offset_data, member.size)
                    for member in archive
                    if member.isreg()
                }
                end = archive.offset
        except (tarfile.TarError, OSError, ValueError, OverflowError):
            raise InvalidBackupError("it is no tar archive, is damaged or cut short") from None
        if end > file.seek(0, os.SEEK_END):
            raise InvalidBackupError("it is cut short")

    def paths(self) -> Iterator[str]:
        return iter(self._members)

    def read(self, path: str) -> Iterator[bytes]:
        if path not in self._members:
            raise DamagedPartError(path)
        position, rest = self._members[path]
        while rest:
            self._file.seek(position)
            block = self._file.read(min(BLOCK_SIZE, rest))
            if not block:
                raise DamagedPartError(path)
            position += len(block)
            rest -= len(block)
            yield block


@contextmanager
def open_archive(path: Path) -> Iterator[ArchiveReader]:
    """Open an archive.

    Raises:
        InvalidBackupError: it is none, or cut short.
        BackupFileError: it cannot be read.
    """
    with translated(), path.open("rb") as file:
        yield ArchiveReader(file)


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o600, int(time())
    # Names that are too long for the old form get a header before them (POSIX pax).
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
