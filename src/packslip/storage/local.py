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

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from packslip.storage.protocol import (
    BLOCK_SIZE,
    InvalidKeyError,
    MissingBytesError,
    StagedFile,
    StoredFile,
    StoredKey,
    check_key,
)
from packslip.storage.staging import DiskStagedFile, Staging, translated_errors


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
        self._staging = Staging(self.folder / ".staging")
        self._aside = self.folder / ".aside"

    @contextmanager
    def stage(self) -> Iterator[StagedFile]:
        with translated_errors():
            _make_folder(self.folder)
        with self._staging.stage() as staged:
            yield staged

    def put(self, key: str, staged: StagedFile) -> None:
        target = self._path(key)
        if not isinstance(staged, DiskStagedFile):
            raise TypeError("staged by another storage")
        with translated_errors():
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
            with translated_errors():
                return LocalStoredFile(key, path.open("rb", buffering=0))
        except (FileNotFoundError, IsADirectoryError) as error:
            raise MissingBytesError(key) from error

    def signed_address(self, key: str, lifetime: timedelta) -> str | None:
        return None

    def delete(self, key: str) -> None:
        path = self._path(key)
        with translated_errors():
            # Its folders stay: somebody may just be storing into them.
            try:
                path.unlink()
            except FileNotFoundError:
                return
            _sync_folder(path.parent)

    def exists(self, key: str) -> bool:
        return self._path(key).is_file()

    def keys(self) -> Iterator[StoredKey]:
        with translated_errors():
            for place, folders, names in os.walk(self.folder, onerror=_raise):
                folders[:] = [name for name in folders if not name.startswith(".")]
                for name in names:
                    stored = self._listed(Path(place, name))
                    if stored is not None:
                        yield stored

    def delete_unused(self, key: str, *, since: datetime) -> bool:
        path = self._path(key)
        with translated_errors():
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
        with translated_errors():
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
        return self._staging.clean(dry_run=dry_run)

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
