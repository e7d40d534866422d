"""Walks zip archives: wheels, and some older source distributions."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

from packslip.packages.archives.members import (
    MOST_MEMBERS,
    PIECE,
    Budget,
    DamagedArchiveError,
    Kind,
    Member,
    RefusedMemberError,
    TooMuchInsideError,
    faults_of,
)
from packslip.texts import brief

#: Bytes that the central directory may have.
LARGEST_DIRECTORY = 16 * 1024**2

#: Bytes that may follow the central directory: its end and a comment of 64 KiB.
LARGEST_END = 128 * 1024

_ENTRY = b"PK\x01\x02"
_ENCRYPTED = 0x1
_UNIX = 3
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


def zip_members(path: Path, budget: Budget) -> Iterator[Member]:
    """Give each member of a zip archive, in the order of its directory.

    Each is read to its end, so that its checksum is checked.

    Raises:
        InvalidArchiveError: It is no zip archive, is damaged, or holds what is refused.

    """
    with _CautiousFile(path) as file:
        with faults_of("The zip archive"):
            archive = zipfile.ZipFile(file)
        with archive:
            for info in archive.infolist():
                pieces = _pieces(archive, info, budget)
                # zipfile cuts its own `filename` off at a NUL.
                yield Member(info.orig_filename, _kind(info), pieces)
                for _ in pieces:
                    pass


class _CautiousFile(io.FileIO):
    """A file that refuses to be read in portions that only a hostile directory asks for."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            # "The rest": only asked for where the directory's end and a comment may be.
            size = LARGEST_END
        if size > LARGEST_DIRECTORY:
            raise TooMuchInsideError("has a directory that is too large")
        data = super().read(size)
        # zipfile would make an object of each entry before anybody can count them.
        if data.count(_ENTRY) > MOST_MEMBERS:
            raise TooMuchInsideError(f"holds more than {MOST_MEMBERS} members")
        return data


def _kind(info: zipfile.ZipInfo) -> Kind:
    name = info.orig_filename
    if info.flag_bits & _ENCRYPTED:
        raise RefusedMemberError(name, "is encrypted")
    if info.compress_type not in _METHODS:
        raise RefusedMemberError(name, "is compressed in another way than deflate")
    file_type = stat.S_IFMT(info.external_attr >> 16) if info.create_system == _UNIX else 0
    if file_type not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise RefusedMemberError(name, "is a link or a special file")
    return Kind.FOLDER if name.endswith("/") else Kind.FILE


def _pieces(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: Budget) -> Iterator[bytes]:
    what = f"The archive's member {brief(info.orig_filename)}"
    count = 0
    with faults_of(what), archive.open(info) as member:
        while piece := member.read(PIECE):
            budget.spend(len(piece))
            count += len(piece)
            yield piece
    if count != info.file_size:
        raise DamagedArchiveError(what)
