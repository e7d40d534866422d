"""Where backups are kept: in a folder or bucket, to which later ones are added, or in an archive.

All have the same layout, so that an unpacked archive is a folder with one snapshot::

    files/ab/cd/<60 hex digits>/<filename>      what the storage has, under the same keys
    snapshots/<moment>-<random>/database.gz     the database at that moment
    snapshots/<moment>-<random>/secret-key
    snapshots/<moment>-<random>/manifest.json   written last: without it there is no snapshot
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

from packslip.backups.manifests import (
    MANIFEST,
    InvalidBackupError,
    Manifest,
    path_in,
    read_manifest,
    snapshot_of,
)
from packslip.errors import (
    ConflictError,
    InvalidError,
    NotFoundError,
    StorageFullError,
    UnavailableError,
)

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

#: Bytes that a manifest may have; of each file it says about 200.
LARGEST_MANIFEST = 1024**3


class BackupFileError(UnavailableError):
    """A file cannot be written or read."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"The backup cannot be written or read: {problem}.")


class BackupBusyError(ConflictError):
    """Somebody else makes a backup."""

    def __init__(self) -> None:
        super().__init__("Another command is making a backup here.")


class DamagedPartError(InvalidError):
    """A backup does not have what its manifest lists."""

    def __init__(self, path: str) -> None:
        super().__init__(f"The backup is damaged: {path} is missing or has other bytes.")
        self.path = path


class NoSnapshotError(NotFoundError):
    """There is no such snapshot in the backup."""

    def __init__(self, name: str | None) -> None:
        what = "no finished snapshot" if name is None else f"no snapshot called {name}"
        super().__init__(f"There is {what} in this backup.")


class Target(Protocol):
    """Where a backup is being written. What was added is read-only from then on."""

    def size_of(self, path: str) -> int | None:
        """Bytes that it has under the path; None when there is nothing."""

    def add(self, path: str, size: int, blocks: Iterable[bytes]) -> None:
        """Add what the blocks hold, which are `size` bytes together.

        Nothing is there under the path if reading them raises an error.

        Raises:
            StorageFullError: there is no room left.
        """


class Source(Protocol):
    """A backup that is read."""

    def paths(self) -> Iterator[str]:
        """Yield the paths of all manifests, and perhaps others."""

    def read(self, path: str) -> Iterator[bytes]:
        """Yield what it has under the path.

        Raises:
            DamagedPartError: there is nothing, or it ends too early.
        """


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the operating system says into errors of Packslip."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFullError("There is no room left for the backup.") from error
        raise BackupFileError(os.strerror(error.errno or 0).lower()) from error


def snapshots(source: Source) -> list[str]:
    """The names of all finished snapshots, the oldest first."""
    return sorted(name for path in source.paths() if (name := snapshot_of(path)) is not None)


def read_snapshot(source: Source, name: str | None = None) -> tuple[str, Manifest]:
    """The name and the manifest of a snapshot, by default of the newest one.

    Raises:
        NoSnapshotError: there is none.
        InvalidBackupError: its manifest cannot be read.
    """
    names = snapshots(source)
    if not names or (name is not None and name not in names):
        raise NoSnapshotError(name)
    chosen = names[-1] if name is None else name
    data = bytearray()
    for block in source.read(path_in(chosen, MANIFEST)):
        data += block
        if len(data) > LARGEST_MANIFEST:
            raise InvalidBackupError("its manifest is too large")
    return chosen, read_manifest(bytes(data))
