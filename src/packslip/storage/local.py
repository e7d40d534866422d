"""A folder as a storage.

Its layout::

    ab/cd/<60 hex digits>/<filename>    what was put; read-only, never changed
    staged/<32 hex digits>              what was put until its uploader confirms or discards it
    .staging/<random>                   what is being written, locked by its writer
    .aside/<moment>-<random>-<name>     what was damaged, and is kept to be looked at

Everything lies on one file system, so that a finished file gets its name by a rename: under a
key there is nothing, or all of it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from packslip.errors import StorageFullError
from packslip.storage.protocol import (
    BLOCK_SIZE,
    InvalidKeyError,
    MissingBytesError,
    StagedFile,
    StorageUnavailableError,
    StoredFile,
    StoredKey,
    check_key,
)

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


class LocalStagedFile:
    """A locked file below `.staging`; see `StagedFile`."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.size = 0
        self.descriptor = descriptor

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        rest = memoryview(data).cast("B")
        length = len(rest)
        with _translated_errors():
            while rest:
                written = os.write(self.descriptor, rest)
                self.size += written
                rest = rest[written:]
        return length


class LocalStoredFile:
    """An open file; see `StoredFile`."""

    def __init__(self, key: str, file: BinaryIO) -> None:
        self.key = key
        self.local_file = file
        self.size = os.fstat(file.fileno()).st_size

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        stop = self.size if stop is None else stop
        while start < stop:
            # The descriptor's position belongs to whoever uses `local_file`.
            block = os.pread(self.local_file.fileno(), min(BLOCK_SIZE, stop - start), start)
            if not block:
                raise MissingBytesError(self.key)
            start += len(block)
            yield block

    def close(self) -> None:
        self.local_file.close()

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


class LocalStorage:
    """Keeps bytes in a folder of this machine, which is made when needed; see `Storage`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._staging = self.folder / ".staging"
        self._aside = self.folder / ".aside"

    @contextmanager
    def stage(self) -> Iterator[StagedFile]:
        with _translated_errors():
            _make_folder(self.folder)
            self._staging.mkdir(exist_ok=True)
            staged = self._create_staged_file()
        try:
            yield staged
        finally:
            staged.path.unlink(missing_ok=True)
            os.close(staged.descriptor)

    def put(self, key: str, staged: StagedFile) -> None:
        target = self._path(key)
        if not isinstance(staged, LocalStagedFile):
            raise TypeError("staged by another storage")
        with _translated_errors():
            target.parent.mkdir(parents=True, exist_ok=True)
            if not _touch(target):
                mode = stat.S_IMODE(os.fstat(staged.descriptor).st_mode)
                os.fchmod(staged.descriptor, mode & 0o444)
                os.fsync(staged.descriptor)
                # Two writers may both come here. They bring the same bytes, as the key says.
                staged.path.rename(target)
            self._sync_folders(target)

    def put_bytes(self, key: str, data: bytes) -> None:
        with self.stage() as staged:
            staged.write(data)
            self.put(key, staged)

    def open(self, key: str) -> StoredFile:
        path = self._path(key)
        try:
            with _translated_errors():
                return LocalStoredFile(key, path.open("rb", buffering=0))
        except (FileNotFoundError, IsADirectoryError) as error:
            raise MissingBytesError(key) from error

    def delete(self, key: str) -> None:
        path = self._path(key)
        with _translated_errors():
            # Its folders stay: somebody may just be storing into them.
            try:
                path.unlink()
            except FileNotFoundError:
                return
            _sync_folder(path.parent)

    def exists(self, key: str) -> bool:
        return self._path(key).is_file()

    def keys(self) -> Iterator[StoredKey]:
        with _translated_errors():
            for place, folders, names in os.walk(self.folder, onerror=_raise):
                folders[:] = [name for name in folders if not name.startswith(".")]
                for name in names:
                    stored = self._listed(Path(place, name))
                    if stored is not None:
                        yield stored

    def delete_unused(self, key: str, *, since: datetime) -> bool:
        path = self._path(key)
        with _translated_errors():
            taken = self._place_aside(path)
            try:
                # Who puts the key from now on does not find it. Whether somebody did so before is
                # asked when that is settled.
                path.rename(taken)
            except FileNotFoundError:
                return False
            if _put_at(taken.stat()) > since:
                taken.rename(path)
                return False
            taken.unlink()
            _sync_folder(path.parent)
        return True

    def set_aside(self, key: str) -> None:
        path = self._path(key)
        with _translated_errors():
            try:
                path.rename(self._place_aside(path))
            except FileNotFoundError:
                return
            _sync_folder(self._aside)
            _sync_folder(path.parent)

    def check(self) -> None:
        with self.stage() as staged:
            staged.write(b"ready")

    def clean_staging(self, *, dry_run: bool = False) -> int:
        with _translated_errors():
            paths = list(self._staging.iterdir()) if self._staging.is_dir() else []
            return sum(_is_abandoned(path, remove=not dry_run) for path in paths)

    def _path(self, key: str) -> Path:
        return self.folder / check_key(key)

    def _listed(self, path: Path) -> StoredKey | None:
        try:
            key, status = check_key(path.relative_to(self.folder).as_posix()), path.lstat()
        except (InvalidKeyError, FileNotFoundError):
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        return StoredKey(key, status.st_size, _put_at(status))

    def _place_aside(self, path: Path) -> Path:
        _make_folder(self._aside)
        moment = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
        # Before the longest name that there can be is no room.
        name = path.name.encode()[-200:].decode(errors="ignore")
        return self._aside / f"{moment}-{name}"

    def _create_staged_file(self) -> LocalStagedFile:
        while True:
            path = self._staging / secrets.token_hex(16)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # `clean_staging` may have come between the creation and the lock.
            if os.fstat(descriptor).st_nlink:
                return LocalStagedFile(path, descriptor)
            os.close(descriptor)

    def _sync_folders(self, target: Path) -> None:
        # All of them, each time: another process may have made one, or put the file itself, and
        # not be done with syncing. Syncing a folder that is on disk already costs next to nothing.
        for folder in target.parents:
            _sync_folder(folder)
            if folder == self.folder:
                return


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _raise(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _touch(path: Path) -> bool:
    """Note that the path was put just now, if it is there; return whether it is."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    except PermissionError:
        # Another user put it, such as whoever ran a command. It is there.
        return True
    return True


def _put_at(status: os.stat_result) -> datetime:
    return datetime.fromtimestamp(status.st_mtime, UTC)


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
def _translated_errors() -> Iterator[None]:
    """Turn what the operating system says about room and rights into errors of Packslip."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFullError("There is no room left in the storage.") from error
        if error.errno in _UNAVAILABLE:
            raise StorageUnavailableError(os.strerror(error.errno).lower()) from error
        raise
