"""Walks tar archives: gzipped ones, which are source distributions, and plain ones.

`tarfile.TarFile` is not used, as it takes headers of any length into memory, follows them as deep
as they are nested, and ends without a word at a header that is damaged.
"""

from __future__ import annotations

import io
import re
import tarfile
import zlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from packslip.packages.archives.members import (
    PIECE,
    Budget,
    DamagedArchiveError,
    InvalidArchiveError,
    Kind,
    Member,
    RefusedMemberError,
    faults_of,
)

#: Bytes that an extended header may have: long names, times, attributes.
LARGEST_HEADER = 1024**2

#: Extended headers that one member may have.
MOST_HEADERS = 8

_BLOCK = tarfile.BLOCKSIZE
_GZIP = zlib.MAX_WBITS + 16
_MAGIC = b"\x1f\x8b"
_WHOLE = "The tar archive"

#: The largest size that fits into a header itself (ustar).
_LARGEST_USTAR = 8**11 - 1
_RECORD = re.compile(rb"([0-9]{1,9}) ")
_TYPES = {
    tarfile.REGTYPE: Kind.FILE,
    tarfile.AREGTYPE: Kind.FILE,
    tarfile.CONTTYPE: Kind.FILE,
    tarfile.DIRTYPE: Kind.FOLDER,
    tarfile.LNKTYPE: Kind.LINK,
    tarfile.SYMTYPE: Kind.LINK,
}
_PAX_TYPES = {tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE}
_GNU_TYPES = {tarfile.GNUTYPE_LONGNAME: "path", tarfile.GNUTYPE_LONGLINK: "linkpath"}
#: What an extended header may change that matters here.
_OVERRIDES = {"path", "linkpath", "size"}


def tar_members(path: Path, budget: Budget) -> Iterator[Member]:
    """Give each member of a gzipped tar archive, in order.

    The archive is read to its end, so that its checksum is checked.

    Raises:
        InvalidArchiveError: It is no gzipped tar archive, is damaged, or holds what is refused.

    """
    with path.open("rb") as file, faults_of(_WHOLE):
        stream = _Stream(_gunzip(file, budget))
        while header := _next_header(stream):
            kind = _TYPES[header.type]
            pieces = stream.pieces(header.size if kind is Kind.FILE else 0)
            is_symbolic = header.type == tarfile.SYMTYPE
            target = header.linkname if kind is Kind.LINK else None
            yield Member(header.name, kind, pieces, target, is_symbolic)
            for _ in pieces:
                pass
        stream.finish()


def plain_tar_members(file: BinaryIO) -> Iterator[Member]:
    """Give each member of a tar archive that is not compressed, in order.

    What is left unread of a member is stepped over, by a seek where the file can be sought in.

    Raises:
        InvalidArchiveError: It is no tar archive, is damaged, or holds what is refused.

    """
    stream = _PlainStream(file)
    with faults_of(_WHOLE):
        while header := _next_header(stream):
            kind = _TYPES[header.type]
            size = header.size if kind is Kind.FILE else 0
            end = stream.position + size + -size % _BLOCK
            is_symbolic = header.type == tarfile.SYMTYPE
            target = header.linkname if kind is Kind.LINK else None
            yield Member(header.name, kind, stream.pieces(size), target, is_symbolic)
            stream.step_to(end)
        stream.finish()


def _gunzip(file: BinaryIO, budget: Budget) -> Iterator[bytes]:
    inflater = zlib.decompressobj(_GZIP)
    ended = False
    waiting = b""
    while waiting := waiting or file.read(PIECE):
        if ended:
            # gzip allows padding, and further streams, which some readers take and others do not.
            if waiting.startswith(_MAGIC):
                raise InvalidArchiveError(f"{_WHOLE} consists of several gzip streams")
            if any(waiting):
                raise InvalidArchiveError(f"{_WHOLE} has something behind its end")
            waiting = b""
            continue
        data = inflater.decompress(waiting, PIECE)
        ended = inflater.eof
        waiting = inflater.unused_data if ended else inflater.unconsumed_tail
        budget.spend(len(data))
        yield data
    if not ended:
        raise DamagedArchiveError(_WHOLE)


class _Stream:
    """Cuts the expanded stream into blocks; a member's content always ends with a whole block."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")

    def block(self) -> bytes:
        """Return the next block, or nothing at the end."""
        block = b"".join(self._take(_BLOCK))
        if len(block) not in {0, _BLOCK}:
            raise DamagedArchiveError(_WHOLE)
        return block

    def pieces(self, size: int) -> Iterator[bytes]:
        """Give `size` bytes, and step over what fills the last block."""
        padding = -size % _BLOCK
        for count, wanted in ((size, True), (padding, False)):
            got = 0
            for piece in self._take(count):
                got += len(piece)
                if wanted:
                    yield piece
            if got < count:
                raise DamagedArchiveError(_WHOLE)

    def finish(self) -> None:
        """Read to the end, where the checksum is; only zeros may be on the way.

        Raises:
            InvalidArchiveError: Something else is: some readers would find more members there.

        """
        for chunk in chain([self._rest], self._chunks):
            if any(chunk):
                raise InvalidArchiveError(f"{_WHOLE} has something behind its last member")

    def _take(self, count: int) -> Iterator[bytes]:
        while count:
            while not self._rest:
                chunk = next(self._chunks, None)
                if chunk is None:
                    return
                self._rest = memoryview(chunk)
            piece, self._rest = bytes(self._rest[:count]), self._rest[count:]
            count -= len(piece)
            yield piece


class _PlainStream(_Stream):
    """The same for what is no stream but a file, which may be sought in."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(iter(()))
        self._file = file
        self._chunks = iter(lambda: file.read(PIECE), b"")
        self.position = 0
        self._end: int | None = None
        if file.seekable():
            self.position = file.tell()
            self._end = file.seek(0, io.SEEK_END)
            file.seek(self.position)

    def step_to(self, position: int) -> None:
        """Go on there, which is where the next header begins."""
        if self._end is None:
            for _ in self._take(position - self.position):
                pass
        elif position <= self._end:
            self.position = self._file.seek(position)
        if self.position != position:
            raise DamagedArchiveError(_WHOLE)

    def _take(self, count: int) -> Iterator[bytes]:
        while count:
            piece = self._file.read(min(count, PIECE))
            if not piece:
                return
            self.position += len(piece)
            count -= len(piece)
            yield piece


def _next_header(stream: _Stream) -> tarfile.TarInfo | None:
    overrides: dict[str, str] = {}
    for _ in range(MOST_HEADERS):
        block = stream.block()
        if not any(block):
            if overrides:
                raise DamagedArchiveError(_WHOLE)
            return None
        header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        if header.type in _PAX_TYPES:
            _add(overrides, _pax_records(_long_header(stream, header), header.name), header.name)
        elif header.type == tarfile.XGLTYPE:
            _check_global(_pax_records(_long_header(stream, header), header.name), header.name)
        elif header.type in _GNU_TYPES:
            text = _long_header(stream, header).partition(b"\0")[0]
            _add(overrides, {_GNU_TYPES[header.type]: _decode(text)}, header.name)
        else:
            return _completed(header, overrides)
    raise InvalidArchiveError(f"The archive gives one member more than {MOST_HEADERS} headers")


def _add(overrides: dict[str, str], more: dict[str, str], name: str) -> None:
    for key, value in more.items():
        if overrides.setdefault(key, value) != value:
            raise RefusedMemberError(name, "has two headers that say different things")


def _completed(header: tarfile.TarInfo, overrides: dict[str, str]) -> tarfile.TarInfo:
    header.name = overrides.get("path", header.name)
    header.linkname = overrides.get("linkpath", header.linkname)
    size = int(overrides.get("size", header.size))
    if 0 <= size <= _LARGEST_USTAR and size != header.size:
        # Not every reader looks at the second one, and would go on at another place.
        raise RefusedMemberError(header.name, "has two sizes")
    header.size = size
    if header.type not in _TYPES:
        raise RefusedMemberError(header.name, "is neither a file, a folder nor a link")
    if header.size < 0:
        raise RefusedMemberError(header.name, "has a size below zero")
    if header.size and _TYPES[header.type] is not Kind.FILE:
        raise RefusedMemberError(header.name, "is no file, and has content")
    return header


def _long_header(stream: _Stream, header: tarfile.TarInfo) -> bytes:
    if not 0 <= header.size <= LARGEST_HEADER:
        raise RefusedMemberError(header.name, "has a header that is too long")
    return b"".join(stream.pieces(header.size))


def _pax_records(data: bytes, name: str) -> dict[str, str]:
    """Return those records of an extended header (POSIX pax) that matter here."""
    records: dict[str, str] = {}
    at = 0
    while at < len(data) and data[at]:
        match = _RECORD.match(data, at)
        end = at + int(match[1]) if match else 0
        if match is None or not match.end() < end <= len(data) or data[end - 1 : end] != b"\n":
            raise RefusedMemberError(name, "has a damaged header")
        key, equals, value = data[match.end() : end - 1].partition(b"=")
        keyword = _decode(key)
        if not equals or keyword.startswith("GNU.sparse."):
            raise RefusedMemberError(name, "is sparse or has a damaged header")
        if keyword in _OVERRIDES:
            _add(records, {keyword: _decode(value)}, name)
        at = end
    return records


def _check_global(records: dict[str, str], name: str) -> None:
    # Readers differ in what they make of these, and no tool writes them.
    if records:
        raise RefusedMemberError(name, "gives all members one name or size")


def _decode(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")
