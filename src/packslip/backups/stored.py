"""Backups in a folder, or in an object store."""

from __future__ import annotations

import fcntl
import functools
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from packslip.backups.manifests import MANIFEST
from packslip.backups.places import BackupBusyError, DamagedPartError, translated
from packslip.storage.factory import open_storage
from packslip.storage.local import LocalStorage
from packslip.storage.protocol import MissingBytesError, Storage


class StoredPlace:
    """A storage with any number of snapshots; see `Target` and `Source`."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def size_of(self, path: str) -> int | None:
        try:
            with self._storage.open(path) as stored:
                return stored.size
        except MissingBytesError:
            return None

    def add(self, path: str, size: int, blocks: Iterable[bytes]) -> None:
        with self._storage.stage() as staged:
            for block in blocks:
                staged.write(block)
            self._storage.put(path, staged)

    def paths(self) -> Iterator[str]:
        return self.snapshot_paths()

    def read(self, path: str) -> Iterator[bytes]:
        try:
            with translated(), self._storage.open(path) as stored:
                yield from stored.read()
        except MissingBytesError:
            raise DamagedPartError(path) from None

    def remove(self, path: str) -> None:
        """Remove what is under the path."""
        self._storage.delete(path)

    def file_paths(self) -> Iterator[str]:
        """Yield the paths of all that comes from the index's storage."""
        return self._below("files/")

    def snapshot_paths(self) -> Iterator[str]:
        """Yield the paths of all parts of snapshots, unfinished ones among them."""
        return self._below("snapshots/")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Remove what others left half written, and let nobody else change it where that can be.

        Raises:
            BackupBusyError: somebody else does.
            BackupFileError: it cannot be written.
        """
        self._storage.clean_staging()
        yield

    def _below(self, prefix: str) -> Iterator[str]:
        keys = self._storage.keys()
        return (one.key for one in keys if one.key.startswith(prefix))


class FolderPlace(StoredPlace):
    """A folder of this machine."""

    def __init__(self, folder: Path) -> None:
        super().__init__(LocalStorage(folder))
        self.folder = folder

    def remove(self, path: str) -> None:
        super().remove(path)
        with suppress(OSError):
            # Nobody else adds to it, see `locked`; folders that are not empty stay.
            (self.folder / path).parent.rmdir()

    def snapshot_paths(self) -> Iterator[str]:
        for path in list(self.folder.glob("snapshots/*/*")):
            yield path.relative_to(self.folder).as_posix()

    def paths(self) -> Iterator[str]:
        for path in self.folder.glob(f"snapshots/*/{MANIFEST}"):
            yield path.relative_to(self.folder).as_posix()

    @contextmanager
    def locked(self) -> Iterator[None]:
        with translated():
            # Hashes of passwords and private notes will be in it.
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BackupBusyError from None
            with super().locked():
                yield
        finally:
            os.close(lock)


class BucketPlace(StoredPlace):
    """A bucket, or a part of one."""

    def __init__(self, address: str, staging: Path) -> None:
        """Take its `s3://…` address, and the folder in which files are written at first.

        Raises:
            SettingsError: the address is none.
        """
        super().__init__(open_storage(address, staging=staging))
        self._address, self._staging = address, staging

    def size_of(self, path: str) -> int | None:
        return self._sizes.get(path)

    def add(self, path: str, size: int, blocks: Iterable[bytes]) -> None:
        super().add(path, size, blocks)
        self._sizes[path] = size

    def snapshot_paths(self) -> Iterator[str]:
        # What is in `files` would be many times as much to go through.
        parts = urlsplit(self._address)
        below = parts._replace(path=f"{parts.path.rstrip('/')}/snapshots").geturl()
        keys = open_storage(below, staging=self._staging).keys()
        for one in keys:
            yield f"snapshots/{one.key}"

    @functools.cached_property
    def _sizes(self) -> dict[str, int]:
        """By path. To ask for each file would take a request each, and this takes one for many."""
        keys = self._storage.keys()
        return {one.key: one.size for one in keys}
