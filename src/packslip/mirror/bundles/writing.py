"""Writing the archive of a bundle."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from packslip.errors import ConflictError, StorageFullError, TooLargeError, UnavailableError
from packslip.mirror.bundles.manifests import (
    LARGEST_MANIFEST,
    MANIFEST,
    Entry,
    Manifest,
    entries,
    write_manifest,
)
from packslip.storage.protocol import MissingBytesError, Storage, content_key, kept_metadata_key

_BLOCK = tarfile.BLOCKSIZE


class DamagedHereError(UnavailableError):
    """What the mirror holds is not what it was when it was kept."""

    def __init__(self, filename: str) -> None:
        super().__init__(
            f"What is kept of {filename} is missing or damaged:"
            " `packslip mirror verify --repair` drops it."
        )
        self.filename = filename


class BusyBundleError(ConflictError):
    """Somebody else writes a bundle of this name."""

    def __init__(self) -> None:
        super().__init__("Another command is writing this bundle.")


class UnwritableBundleError(UnavailableError):
    """The file cannot be written."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"The bundle cannot be written: {problem}.")


@contextmanager
def new_bundle(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write to, which has the path once the block ends well, and is gone otherwise.

    Until then it is beside it, with `.part` behind its name.

    Raises:
        StorageFullError: there is no room left.
        BusyBundleError: somebody else writes it.
        UnwritableBundleError: it cannot be written.
    """
    if path.exists() and not path.is_file():
        raise UnwritableBundleError(f"{path.name} is no regular file")
    part = path.with_name(f"{path.name}.part")
    with translated(), part.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyBundleError from None
        try:
            # Somebody may have been killed over it.
            file.truncate(0)
            yield file
            file.flush()
            os.fsync(file.fileno())
            part.replace(path)
        except BaseException:
            with suppress(OSError):
                part.unlink()
            raise
        _sync_folder(path.absolute().parent)


def write_bundle(
    file: BinaryIO, manifest: Manifest, storage: Storage, advance: Callable[[], None]
) -> None:
    """Write the bundle to the file, and call `advance` after each file of it.

    What is kept is compared with its digests on the way.

    Raises:
        DamagedHereError: it is something else by now.
        TooLargeError: there are too many files for one bundle.
        OSError: it could not be written.
    """
    data = write_manifest(manifest)
    if len(data) > LARGEST_MANIFEST:
        raise TooLargeError("These are too many files for one bundle: name fewer packages.")
    made_at = int(manifest.made_at.timestamp())
    file.write(_header(MANIFEST, len(data), made_at))
    file.write(data + _padding(len(data)))
    for package in manifest.packages:
        for entry in entries(package):
            file.write(_header(entry.path, entry.size, made_at))
            _copy(file, storage, entry)
            file.write(_padding(entry.size))
            if not entry.is_metadata:
                advance()
    file.write(bytes(2 * _BLOCK))
    file.flush()


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the operating system says into errors of Packslip."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise StorageFullError("There is no room left for the bundle.") from error
        raise UnwritableBundleError(os.strerror(error.errno or 0).lower()) from error


def _copy(file: BinaryIO, storage: Storage, entry: Entry) -> None:
    filename, digest, size = entry.file.said.filename, hashlib.sha256(), 0
    key = kept_metadata_key if entry.is_metadata else content_key
    try:
        with storage.open(key(entry.sha256, filename)) as stored:
            for block in stored.read():
                digest.update(block)
                size += len(block)
                file.write(block)
    except MissingBytesError:
        raise DamagedHereError(filename) from None
    if (size, digest.hexdigest()) != (entry.size, entry.sha256):
        raise DamagedHereError(filename)


def _header(name: str, size: int, made_at: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, made_at, 0o644
    # Names that are too long for the old form get a header before them (POSIX pax).
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


def _padding(size: int) -> bytes:
    return bytes(-size % _BLOCK)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
