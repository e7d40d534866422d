"""Bytes on this machine's disk, on their way into a storage."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from packslip.errors import StorageFullError
from packslip.storage.protocol import StorageUnavailableError

_FULL = {errno.ENOSPC, errno.EDQUOT}
_UNAVAILABLE = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.EIO,
    errno.EEXIST,
    errno.ENOTDIR,
    errno.EMFILE,
}


class DiskStagedFile:
    """A locked file; see `StagedFile`."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.size = 0
        self.descriptor = descriptor

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        rest = memoryview(data).cast("B")
        length = len(rest)
        with translated_errors():
            while rest:
                written = os.write(self.descriptor, rest)
                self.size += written
                rest = rest[written:]
        return length


class Staging:
    """A folder with what is being written, each file locked by its writer."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def stage(self) -> Iterator[DiskStagedFile]:
        """Give an empty file. It is removed at the end of the block, if it was not moved."""
        with translated_errors():
            self._folder.mkdir(parents=True, exist_ok=True)
            staged = self._create()
        try:
            yield staged
        finally:
            staged.path.unlink(missing_ok=True)
            os.close(staged.descriptor)

    def clean(self, *, dry_run: bool = False) -> int:
        """Remove files that dead processes left; see `Storage.clean_staging`."""
        with translated_errors():
            paths = list(self._folder.iterdir()) if self._folder.is_dir() else []
            return sum(_is_abandoned(path, remove=not dry_run) for path in paths)

    def _create(self) -> DiskStagedFile:
        while True:
            path = self._folder / secrets.token_hex(16)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # `clean` may have come between the creation and the lock.
            if os.fstat(descriptor).st_nlink:
                return DiskStagedFile(path, descriptor)
            os.close(descriptor)


def _is_abandoned(path: Path, *, remove: bool) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if remove:
            path.unlink()
    except (BlockingIOError, FileNotFoundError):
        return False
    finally:
        os.close(descriptor)
    return True


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn what the operating system says about room and rights into errors of Packslip."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFullError("There is no room left in the storage.") from error
        if error.errno in _UNAVAILABLE:
            raise StorageUnavailableError(os.strerror(error.errno).lower()) from error
        raise
