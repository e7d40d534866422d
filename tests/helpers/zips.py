"""Zip archives written piece by piece, rightly or not, and a reader that goes from their start."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

#: What a member may say of itself, in its own header and in the directory.
LOCAL = struct.Struct("<4s5H3L2H")
ENTRY = struct.Struct("<4s6H3L5H2L")
END = struct.Struct("<4s4H2LH")
END_64 = struct.Struct("<4sQ2H2L4Q")
LOCATOR_64 = struct.Struct("<4sLQL")

ELSEWHERE = 0xFFFFFFFF


@dataclass
class Piece:
    """One member, and how it is written."""

    name: str
    content: bytes
    method: int = 8
    flags: int = 0
    mode: int = 0o100644
    #: Whether sizes and checksum stand behind the bytes; with the signature, with 64 bits.
    described_behind: bool = False
    signed: bool = True
    wide: bool = False
    #: Whether the sizes stand in a block of ZIP64.
    large: bool = False
    #: What else stands in the extra field of its own header.
    extra: bytes = b""
    #: What its own header and its entry say instead: name, method, flags, crc, packed, size.
    local: dict[str, int | bytes] = field(default_factory=dict)
    entry: dict[str, int | bytes] = field(default_factory=dict)
    descriptor: dict[str, int | bytes] = field(default_factory=dict)
    #: Bytes before its header.
    gap: bytes = b""


def write_pieces(
    pieces: Sequence[Piece],
    *,
    behind_members: bytes = b"",
    suffix: bytes = b"",
    comment: bytes = b"",
    large_end: bool = False,
    order: Sequence[int] | None = None,
    end: dict[str, int] | None = None,
) -> bytes:
    """An archive of these members, whose directory has them in `order`."""
    data, entries = b"", []
    for piece in pieces:
        data += piece.gap
        entries.append(_entry(piece, len(data)))
        data += _local(piece)
    data += behind_members
    start = len(data)
    directory = b"".join(entries[at] for at in order or range(len(entries)))
    told = {"here": len(entries), "count": len(entries), "length": len(directory), "start": start}
    told |= end or {}
    data += directory
    if large_end:
        at = len(data)
        data += END_64.pack(b"PK\x06\x06", 44, 45, 45, 0, 0, *told.values())
        data += LOCATOR_64.pack(b"PK\x06\x07", 0, at, 1)
        told = {"here": 0xFFFF, "count": 0xFFFF, "length": ELSEWHERE, "start": ELSEWHERE}
    return data + END.pack(b"PK\x05\x06", 0, 0, *told.values(), len(comment)) + comment + suffix


def read_as_a_stream(data: bytes) -> dict[str, bytes]:
    """What a reader finds that goes from the start on and never looks at the directory.

    Raises:
        ValueError, zlib.error, struct.error: it cannot be read so.
    """
    found: dict[str, bytes] = {}
    at = 0
    while data[at : at + 4] == b"PK\x03\x04":
        _, _, flags, method, _, _, crc, packed, size, name_length, extra_length = LOCAL.unpack_from(
            data, at
        )
        at += LOCAL.size
        raw, extra = data[at : at + name_length], data[at + name_length :][:extra_length]
        at += name_length + extra_length
        if ELSEWHERE in (packed, size):
            size, packed = struct.unpack_from("<QQ", extra, extra.index(b"\x01\x00\x10\x00") + 4)
        if method == 8:
            inflater = zlib.decompressobj(-15)
            content = inflater.decompress(data[at:])
            if not inflater.eof:
                raise ValueError("no end")
            at = len(data) - len(inflater.unused_data)
        else:
            content = data[at : at + packed]
            at += packed
        if flags & 8:
            at = min(place for place in _records(data, at) if place >= at)
        elif (zlib.crc32(content), len(content)) != (crc, size):
            raise ValueError("another checksum or size")
        found[raw.decode("utf-8" if flags & 0x800 else "cp437")] = content
    if data[at : at + 4] not in {b"PK\x01\x02", b"PK\x06\x06", b"PK\x05\x06"}:
        raise ValueError("neither a member nor the directory")
    return found


def _records(data: bytes, at: int) -> list[int]:
    signatures = (b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06")
    return [place for sign in signatures if (place := data.find(sign, at, at + 28)) >= 0]


def _packed(piece: Piece) -> bytes:
    if piece.method != 8:
        return piece.content
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflater.compress(piece.content) + deflater.flush()


def _said(piece: Piece) -> dict[str, int | bytes]:
    return {
        "name": piece.name.encode(),
        "method": piece.method,
        "flags": piece.flags
        | (8 if piece.described_behind else 0)
        | (0 if piece.name.isascii() else 0x800),
        "crc": zlib.crc32(piece.content),
        "packed": len(_packed(piece)),
        "size": len(piece.content),
    }


def _local(piece: Piece) -> bytes:
    said = _said(piece)
    if piece.described_behind:
        said |= {"crc": 0, "packed": 0, "size": 0}
    extra = piece.extra
    if piece.large:
        extra = struct.pack("<HHQQ", 1, 16, said["size"], said["packed"]) + extra
        said |= {"packed": ELSEWHERE, "size": ELSEWHERE}
    said |= piece.local
    name = said["name"]
    assert isinstance(name, bytes)
    header = LOCAL.pack(
        b"PK\x03\x04", 45, said["flags"], said["method"], 0, 33,
        said["crc"], said["packed"], said["size"], len(name), len(extra),
    )  # fmt: skip
    data = header + name + extra + _packed(piece)
    if piece.described_behind:
        told = _said(piece) | piece.descriptor
        form = "<LQQ" if piece.wide else "<LLL"
        data += b"PK\x07\x08" if piece.signed else b""
        data += struct.pack(form, told["crc"], told["packed"], told["size"])
    return data


def _entry(piece: Piece, at: int) -> bytes:
    said = _said(piece) | {"header": at} | piece.entry
    name = said["name"]
    assert isinstance(name, bytes)
    entry = ENTRY.pack(
        b"PK\x01\x02", 0x0300 | 45, 45, said["flags"], said["method"], 0, 33,
        said["crc"], said["packed"], said["size"], len(name), 0, 0, 0, 0,
        piece.mode << 16, said["header"],
    )  # fmt: skip
    return entry + name
