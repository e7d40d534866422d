"""Takes the structure of a zip archive apart, and takes none that could be read in two ways.

Some readers go by the directory at the end, others read from the start on and never see it. So
each member must be described the same in both places, and nothing may lie before, between or behind
what the format asks for (APPNOTE 4.3).

`zipfile` is not used: it looks neither at most of what stands before each member nor for what lies
between them, and it would make an object of each entry before anybody could count them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from packslip.packages.archives.members import (
    MOST_MEMBERS,
    DamagedArchiveError,
    InvalidArchiveError,
    RefusedMemberError,
    TooMuchInsideError,
)

#: Bytes that the directory may have.
LARGEST_DIRECTORY = 16 * 1024**2

WHOLE = "The zip archive"

#: Flags of members (APPNOTE 4.4.4): those that change how a member is read.
ENCRYPTED = 0x1 | 0x40 | 0x2000
PATCHED = 0x20
_DESCRIBED_BEHIND = 0x8
_UTF_8 = 0x800
_COMPARED = ENCRYPTED | PATCHED | _DESCRIBED_BEHIND | _UTF_8

STORED = 0

_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_BLOCK = struct.Struct("<2H")
_LONGEST_COMMENT = 0xFFFF

#: The version of the format that readers know, times ten; some refuse members that need another.
_LATEST = 63

#: What stands in a field of 32 bits when the value is in the block of ZIP64.
_ELSEWHERE = 0xFFFFFFFF
_ZIP64, _UNICODE_PATH = 0x0001, 0x7075


@dataclass(slots=True)
class Entry:
    """One member, as the directory describes it."""

    name: str
    raw_name: bytes
    flags: int
    method: int
    crc: int
    #: Bytes in the archive, and bytes that they expand to.
    packed: int
    size: int
    #: Where its header is, and from `read_entries` where its bytes are.
    header: int
    start: int
    #: The mode of the file on Unix, or 0.
    mode: int


class AmbiguousArchiveError(InvalidArchiveError):
    """Readers would differ in what they make of the archive."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"{WHOLE} {fault}")


def read_entries(file: BinaryIO, size: int) -> list[Entry]:
    """Give the members of the archive that fills the whole file, in the order of its directory.

    Raises:
        InvalidArchiveError: It is no zip archive, or one that readers would take differently.

    """
    count, start, stop = _find_directory(file, size)
    if stop - start > LARGEST_DIRECTORY:
        raise TooMuchInsideError("has a directory that is too large")
    if count > MOST_MEMBERS:
        raise TooMuchInsideError(f"holds more than {MOST_MEMBERS} members")
    file.seek(start)
    entries = list(_directory(_exactly(file, stop - start), count))
    at = 0
    for entry in sorted(entries, key=lambda entry: entry.header):
        if entry.header != at:
            fault = "shares bytes with another one" if entry.header < at else "follows a gap"
            raise RefusedMemberError(entry.name, fault)
        at = _compare(file, entry, start)
    if at != start:
        raise AmbiguousArchiveError("has something between its members and its directory")
    return entries


def _find_directory(file: BinaryIO, size: int) -> tuple[int, int, int]:
    """Return how many members the directory has, where it starts, and where it stops."""
    tail_size = min(size, _END.size + _LONGEST_COMMENT)
    file.seek(size - tail_size)
    tail = _exactly(file, tail_size)
    at = tail.rfind(b"PK\x05\x06")
    if not 0 <= at <= len(tail) - _END.size:
        raise DamagedArchiveError(WHOLE)
    _, disk, first_disk, here, count, length, start, comment = _END.unpack_from(tail, at)
    if at + _END.size + comment != len(tail):
        raise AmbiguousArchiveError("is cut short, or has something behind its end")
    if not _is_text(tail[at + _END.size :]):
        raise AmbiguousArchiveError("has a comment that is no text")
    stop = size - tail_size + at
    end: tuple[int, ...] = (disk, first_disk, here, count, length, start)
    if stop >= _LOCATOR_64.size:
        file.seek(stop - _LOCATOR_64.size)
        locator = _LOCATOR_64.unpack(_exactly(file, _LOCATOR_64.size))
        if locator[0] == b"PK\x06\x07":
            end, stop = _end_64(file, stop, locator, end)
    disk, first_disk, here, count, length, start = end
    if disk or first_disk or here != count or start + length != stop:
        raise AmbiguousArchiveError(
            "has a directory that is elsewhere than its end says, or something before its start"
        )
    return count, start, stop


def _end_64(
    file: BinaryIO, stop: int, locator: tuple[bytes, int, int, int], end: tuple[int, ...]
) -> tuple[tuple[int, ...], int]:
    """Read the end of the directory in its form for large archives (APPNOTE 4.3.14)."""
    at = stop - _LOCATOR_64.size - _END_64.size
    if locator[1:] != (0, at, 1) or at < 0:
        raise DamagedArchiveError(WHOLE)
    file.seek(at)
    signature, length, _, _, *large = _END_64.unpack(_exactly(file, _END_64.size))
    if signature != b"PK\x06\x06" or length != _END_64.size - 12:
        raise DamagedArchiveError(WHOLE)
    widest = (0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, _ELSEWHERE, _ELSEWHERE)
    for small, wide, most in zip(end, large, widest, strict=True):
        if small not in {wide, most}:
            raise AmbiguousArchiveError("has two ends that say different things")
    return tuple(large), at


def _directory(data: bytes, count: int) -> Iterator[Entry]:
    at = 0
    for _ in range(count):
        if len(data) - at < _ENTRY.size:
            raise DamagedArchiveError(WHOLE)
        (
            signature, _, needed, flags, method, _, _, crc, packed, size,
            name_length, extra_length, comment_length, disk, _, attributes, header,
        ) = _ENTRY.unpack_from(data, at)  # fmt: skip
        at += _ENTRY.size
        raw = data[at : at + name_length]
        extra = data[at + name_length : at + name_length + extra_length]
        at += name_length + extra_length + comment_length
        if signature != b"PK\x01\x02" or at > len(data):
            raise DamagedArchiveError(WHOLE)
        name = raw.decode("utf-8" if flags & _UTF_8 else "cp437")
        blocks = _blocks(extra, name)
        size, packed, header = _large(blocks, name, size, packed, header)
        if disk:
            raise RefusedMemberError(name, "is in another archive")
        if needed & 0xFF > _LATEST:
            raise RefusedMemberError(name, "needs a reader of a later version of the format")
        yield Entry(name, raw, flags, method, crc, packed, size, header, header, attributes >> 16)
    if at != len(data):
        raise AmbiguousArchiveError("has more in its directory than its end says")


def _compare(file: BinaryIO, entry: Entry, most: int) -> int:
    """Compare a member's own header with its entry, and return where its last byte is followed.

    Args:
        file: The archive.
        entry: Gets the place of its bytes.
        most: Where no member may reach to.

    """
    file.seek(entry.header)
    fixed = _exactly(file, _LOCAL.size)
    signature, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack(
        fixed
    )
    if signature != b"PK\x03\x04":
        raise DamagedArchiveError(f"The archive's member {ascii(entry.name)[1:-1][:100]}")
    name = _exactly(file, name_length)
    blocks = _blocks(_exactly(file, extra_length), entry.name)
    size, packed = _large(blocks, entry.name, size, packed)
    entry.start = entry.header + _LOCAL.size + name_length + extra_length
    behind = bool(flags & _DESCRIBED_BEHIND)
    same = (
        name == entry.raw_name
        and method == entry.method
        and (flags ^ entry.flags) & _COMPARED == 0
        and all(
            own == given or (behind and own == 0)
            for own, given in ((crc, entry.crc), (packed, entry.packed), (size, entry.size))
        )
    )
    if not same:
        raise RefusedMemberError(entry.name, "is described differently in the archive's directory")
    end = entry.start + entry.packed
    if end > most:
        raise RefusedMemberError(entry.name, "reaches beyond its place")
    if not behind:
        return end
    if method == STORED and packed != entry.packed:
        # Whoever reads from the start on cannot know where it ends.
        raise RefusedMemberError(entry.name, "is stored without its size before it")
    return end + _descriptor_length(file, entry, end, most)


def _descriptor_length(file: BinaryIO, entry: Entry, at: int, most: int) -> int:
    """Return the length of what describes a member behind its bytes (APPNOTE 4.3.9)."""
    file.seek(at)
    data = _exactly(file, min(24, most - at))
    for wide in ("<LLL", "<LQQ"):
        if max(entry.packed, entry.size) > _ELSEWHERE and wide == "<LLL":
            continue
        described = struct.pack(wide, entry.crc, entry.packed, entry.size)
        for form in (b"PK\x07\x08" + described, described):
            # What follows tells which of two forms it is that begin alike.
            follows = data[len(form) : len(form) + 4]
            if data.startswith(form) and (
                at + len(form) == most or b"PK\x03\x04".startswith(follows)
            ):
                return len(form)
    raise RefusedMemberError(entry.name, "is described differently behind its bytes")


def _blocks(extra: bytes, name: str) -> dict[int, bytes]:
    """Return those blocks of a member's extra field that change what it is (APPNOTE 4.5)."""
    blocks: dict[int, bytes] = {}
    at = 0
    # Zeros at the end are what tools fill up with to align what follows.
    while at < len(extra) and any(extra[at:]):
        if len(extra) - at < _BLOCK.size:
            raise RefusedMemberError(name, "has a damaged header")
        kind, length = _BLOCK.unpack_from(extra, at)
        at += _BLOCK.size
        if at + length > len(extra) or (kind in blocks and kind in {_ZIP64, _UNICODE_PATH}):
            raise RefusedMemberError(name, "has a damaged header")
        blocks[kind] = extra[at : at + length]
        at += length
    path = blocks.get(_UNICODE_PATH)
    if path is not None and path[5:] != name.encode():
        raise RefusedMemberError(name, "has two names")
    return blocks


def _large(blocks: dict[int, bytes], name: str, *values: int) -> tuple[int, ...]:
    """Return the values, those that stand in the block of ZIP64 taken from there."""
    block = blocks.get(_ZIP64, b"")
    found: list[int] = []
    at = 0
    for value in values:
        if value != _ELSEWHERE:
            found.append(value)
            continue
        if _ZIP64 not in blocks or at + 8 > len(block):
            raise RefusedMemberError(name, "has a damaged header")
        found.append(int.from_bytes(block[at : at + 8], "little"))
        at += 8
    return tuple(found)


def _is_text(data: bytes) -> bool:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return False
    return all(sign.isprintable() or sign in "\t\r\n" for sign in text)


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise DamagedArchiveError(WHOLE)
    return data
