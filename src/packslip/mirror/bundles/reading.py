"""Reading the archive of a bundle, whoever made it. Nothing is unpacked into files here."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from packslip.errors import UnavailableError
from packslip.mirror.bundles.manifests import (
    LARGEST_MANIFEST,
    MANIFEST,
    BundledPackage,
    Entry,
    InvalidBundleError,
    Manifest,
    entries,
    read_manifest,
)
from packslip.packages.archives.members import (
    DamagedArchiveError,
    InvalidArchiveError,
    Kind,
    Member,
)
from packslip.packages.archives.members import read as read_member
from packslip.packages.archives.tars import plain_tar_members
from packslip.texts import brief

#: What compressed files begin with: gzip, bzip2, xz, zstandard, zip.
_COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"PK")


class UnreadableBundleError(UnavailableError):
    """The file's disk has a fault."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"The bundle cannot be read: {problem}.")


class WrongEntryError(Exception):
    """A member has other bytes than the manifest lists; the message says which."""


class BundleReader:
    """A bundle that is open. Its members come in the order of the manifest."""

    def __init__(self, file: BinaryIO) -> None:
        """Read the manifest.

        Raises:
            InvalidBundleError: it is no bundle.
        """
        size = _size(file)
        self._members = plain_tar_members(file)
        self.manifest = self._read_manifest()
        # What is cut short is refused before any of it is taken.
        if size is not None and self.total_size > size:
            raise InvalidBundleError("it is cut short, or lists more than it has")

    @property
    def total_size(self) -> int:
        """Bytes of all members that the manifest lists."""
        return sum(entry.size for package in self.manifest.packages for entry in entries(package))

    def entries(
        self, package: BundledPackage, is_wanted: Callable[[Entry], bool]
    ) -> Iterator[tuple[Entry, Iterator[bytes] | None]]:
        """Yield the package's members with their bytes; None for those that are not wanted.

        The bytes are to be read to their end, which raises `WrongEntryError` when they are others
        than the manifest lists. Ask for the packages in the manifest's order.

        Raises:
            InvalidBundleError: a member is not the one that the manifest lists there.
        """
        for entry in entries(package):
            member = self._next()
            if member is None:
                raise InvalidBundleError(f"it ends before {entry.path}")
            _check(member, entry.path)
            yield entry, _verified(member, entry) if is_wanted(entry) else None

    def finish(self) -> None:
        """Look whether that was all.

        Raises:
            InvalidBundleError: there is a member that the manifest does not list.
        """
        member = self._next()
        if member is not None:
            raise InvalidBundleError(f"it holds {brief(member.name)}, which it does not list")

    def _read_manifest(self) -> Manifest:
        member = self._next()
        if member is None or member.name != MANIFEST:
            raise InvalidBundleError(f"its first member is not {MANIFEST}")
        _check(member, MANIFEST)
        with _translated():
            return read_manifest(read_member(member, LARGEST_MANIFEST))

    def _next(self) -> Member | None:
        with _translated():
            return next(self._members, None)


def _size(file: BinaryIO) -> int | None:
    if not file.seekable():
        return None
    start = file.read(6)
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if start.startswith(_COMPRESSED):
        raise InvalidBundleError("it is compressed; a bundle is a plain tar archive")
    if not size:
        raise InvalidBundleError("it is empty")
    return size


def _check(member: Member, path: str) -> None:
    if member.name != path:
        raise InvalidBundleError(f"it holds {brief(member.name)} where {path} is listed")
    if member.kind is not Kind.FILE:
        raise InvalidBundleError(f"{path} is not a file in it")


def _verified(member: Member, entry: Entry) -> Iterator[bytes]:
    digest, size = hashlib.sha256(), 0
    while True:
        with _translated():
            piece = next(member.pieces, None)
        if piece is None:
            break
        size += len(piece)
        if size > entry.size:
            raise WrongEntryError(f"it has more than the {entry.size} bytes that are listed")
        digest.update(piece)
        yield piece
    if size != entry.size:
        raise WrongEntryError(f"it has {size} bytes, and {entry.size} are listed")
    if digest.hexdigest() != entry.sha256:
        raise WrongEntryError(f"its SHA-256 is {digest.hexdigest()}, not {entry.sha256}")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnreadableBundleError(os.strerror(error.errno or 0).lower()) from error
    except DamagedArchiveError as error:
        raise InvalidBundleError("it is no tar archive, is damaged or cut short") from error
    except InvalidArchiveError as error:
        raise InvalidBundleError(error.reason[:1].lower() + error.reason[1:]) from error
