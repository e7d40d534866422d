"""Walks zip archives: wheels, and some older source distributions."""

from __future__ import annotations

import stat
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from packslip.packages.archives.members import (
    PIECE,
    Budget,
    DamagedArchiveError,
    Kind,
    Member,
    RefusedMemberError,
    faults_of,
)
from packslip.packages.archives.zip_records import (
    ENCRYPTED,
    PATCHED,
    STORED,
    WHOLE,
    Entry,
    read_entries,
)
from packslip.texts import brief

_DEFLATED = 8


def zip_members(
    path: Path, budget: Budget, first: Callable[[str], bool] | None = None
) -> Iterator[Member]:
    """Give each member of a zip archive, in the order of its directory.

    Each is read to its end, so that its checksum is checked.

    Args:
        path: Where the archive is.
        budget: Counts what comes out of it.
        first: Tells from a name whether a member shall come before all others.

    Raises:
        InvalidArchiveError: It is no zip archive, is damaged, or holds what is refused.

    """
    with path.open("rb") as file:
        with faults_of(WHOLE):
            entries = read_entries(file, path.stat().st_size)
        if first is not None:
            entries.sort(key=lambda entry: not first(entry.name))
        for entry in entries:
            pieces = _pieces(file, entry, budget)
            yield Member(entry.name, _kind(entry), pieces)
            for _ in pieces:
                pass


def _kind(entry: Entry) -> Kind:
    name = entry.name
    if entry.flags & ENCRYPTED:
        raise RefusedMemberError(name, "is encrypted")
    if entry.method not in {STORED, _DEFLATED} or entry.flags & PATCHED:
        raise RefusedMemberError(name, "is compressed in another way than deflate")
    # Whatever system the archive says it comes from: installers take the mode as it is.
    if stat.S_IFMT(entry.mode) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise RefusedMemberError(name, "is a link or a special file")
    if not name.endswith("/"):
        if stat.S_ISDIR(entry.mode):
            raise RefusedMemberError(name, "is a folder, and not named as one")
        return Kind.FILE
    if entry.size:
        raise RefusedMemberError(name, "is a folder, and has content")
    return Kind.FOLDER


def _pieces(file: BinaryIO, entry: Entry, budget: Budget) -> Iterator[bytes]:
    what = f"The archive's member {brief(entry.name)}"
    count = crc = 0
    with faults_of(what):
        for piece in _expanded(file, entry, what):
            budget.spend(len(piece))
            count += len(piece)
            if count > entry.size:
                break
            crc = zlib.crc32(piece, crc)
            yield piece
        if (count, crc) != (entry.size, entry.crc):
            raise DamagedArchiveError(what)


def _expanded(file: BinaryIO, entry: Entry, what: str) -> Iterator[bytes]:
    file.seek(entry.start)
    left = entry.packed
    inflater = None if entry.method == STORED else zlib.decompressobj(-zlib.MAX_WBITS)
    while left:
        data = file.read(min(PIECE, left))
        if not data:
            raise DamagedArchiveError(what)
        left -= len(data)
        if inflater is None:
            yield data
            continue
        while data:
            yield inflater.decompress(data, PIECE)
            if inflater.unused_data or (inflater.eof and left):
                # Whoever goes by the stream ends here, whoever goes by the size does not.
                raise DamagedArchiveError(what)
            data = inflater.unconsumed_tail
    if inflater is None:
        return
    while piece := inflater.decompress(b"", PIECE):
        yield piece
    if not inflater.eof:
        raise DamagedArchiveError(what)
