"""Zip archives that readers could take in two ways, and all those that they cannot."""

from __future__ import annotations

import dataclasses
import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.helpers.distributions import Content, record_of
from tests.helpers.zips import Piece, read_as_a_stream, write_pieces

from packslip.packages.archives import InvalidArchiveError, read_metadata
from packslip.packages.archives.members import Budget, checked
from packslip.packages.archives.zips import zip_members
from packslip.packages.filenames import parse_filename

INFO = "a-1.0.dist-info"
METADATA = b"Metadata-Version: 2.1\nName: a\nVersion: 1.0\n"
FILES: dict[str, Content] = {
    "a/one.py": b"print(1)\n" * 30,
    "a/two.bin": bytes(range(256)),
    "a/three.py": b"",
    f"{INFO}/METADATA": METADATA,
    f"{INFO}/WHEEL": b"Wheel-Version: 1.0\n",
}

fuzz = settings(deadline=None, max_examples=200, derandomize=True)


def pieces_of(files: dict[str, Content] = FILES) -> list[Piece]:
    files = files | {f"{INFO}/RECORD": record_of(files, f"{INFO}/RECORD")}
    return [
        Piece(name, content if isinstance(content, bytes) else content.encode())
        for name, content in files.items()
    ]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("zips") / "a-1.0-py3-none-any.whl"


def metadata_of(path: Path, data: bytes) -> bytes:
    path.write_bytes(data)
    return read_metadata(path, parse_filename(path.name))


def contents_of(path: Path, data: bytes) -> dict[str, bytes]:
    """What is in the archive as this code reads it."""
    path.write_bytes(data)
    members = checked(zip_members(path, Budget(len(data))))
    return {member.name: b"".join(member.pieces) for member in members}


WAYS = st.builds(
    dict,
    method=st.sampled_from([0, 8]),
    described_behind=st.booleans(),
    signed=st.booleans(),
    wide=st.booleans(),
    large=st.booleans(),
    mode=st.sampled_from([0, 0o100644, 0o100755]),
    extra=st.sampled_from([b"", struct.pack("<HHL", 0x5455, 4, 1), b"\0\0\0"]),
    flags=st.sampled_from([0, 2, 4]),
)


@fuzz
@given(data=st.data())
def test_each_way_to_write_an_honest_archive_is_read(path: Path, data: st.DataObject) -> None:
    pieces = [dataclasses.replace(piece, **data.draw(WAYS)) for piece in pieces_of()]
    for piece in pieces:
        # Where a stored member ends that is described behind its bytes, no stream tells.
        piece.described_behind &= piece.method == 8
    archive = write_pieces(
        pieces,
        order=data.draw(st.permutations(range(len(pieces)))),
        comment=data.draw(st.sampled_from([b"", b"0123456789abcdef", "Grüße\n".encode()])),
        large_end=data.draw(st.booleans()),
    )
    assert metadata_of(path, archive) == METADATA
    assert contents_of(path, archive) == read_as_a_stream(archive)


def assert_readers_agree_or_refused(path: Path, archive: bytes) -> None:
    try:
        contents = contents_of(path, archive)
    except InvalidArchiveError:
        return
    with zipfile.ZipFile(io.BytesIO(archive)) as by_directory:
        names = [name for name in by_directory.namelist() if not name.endswith("/")]
        assert contents == {name: by_directory.read(name) for name in names}
    assert contents == read_as_a_stream(archive)


@fuzz
@given(data=st.data())
def test_what_is_read_of_a_changed_archive_is_what_every_reader_finds(
    path: Path, data: st.DataObject
) -> None:
    pieces = [dataclasses.replace(piece, **data.draw(WAYS)) for piece in pieces_of()[:3]]
    archive = bytearray(write_pieces(pieces, large_end=data.draw(st.booleans())))
    signs = [at for at in range(len(archive) - 4) if archive[at : at + 2] == b"PK"]
    for _ in range(data.draw(st.integers(1, 3))):
        kind = data.draw(st.sampled_from(["set", "cut", "insert", "copy"]))
        at = data.draw(st.sampled_from(signs)) + data.draw(st.integers(0, 50))
        at = min(at, len(archive) - 1)
        if kind == "set":
            archive[at] = data.draw(st.sampled_from([0, 1, 2, 8, 9, 255, 0x2F, archive[at] ^ 1]))
        elif kind == "cut":
            del archive[at : at + data.draw(st.integers(1, 40))]
        elif kind == "insert":
            archive[at:at] = data.draw(st.binary(min_size=1, max_size=8))
        else:
            start = data.draw(st.sampled_from(signs))
            archive[at:at] = archive[start : start + data.draw(st.integers(4, 100))]
        signs = [min(place, len(archive) - 1) for place in signs]
    assert_readers_agree_or_refused(path, bytes(archive))


def test_any_change_of_one_bit_around_the_members_is_refused_or_read_alike(path: Path) -> None:
    archive = write_pieces(pieces_of({"a": b"x"})[:2])
    for place in range(len(archive)):
        for bit in (1, 8, 128):
            changed = bytearray(archive)
            changed[place] ^= bit
            assert_readers_agree_or_refused(path, bytes(changed))


def changed(number: int, **values: object) -> Callable[[list[Piece]], None]:
    def change(pieces: list[Piece]) -> None:
        for key, value in values.items():
            setattr(pieces[number], key, value)

    return change


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (changed(0, local={"name": b"a/bad.py"}), "a/one.py is described differently"),
        (changed(0, entry={"name": b"a/bad.py"}), "a/bad.py is described differently"),
        (changed(0, local={"crc": 1}), "described differently"),
        (changed(0, entry={"crc": 1}, local={"crc": 1}), "a/one.py is damaged"),
        (changed(0, local={"packed": 3}), "described differently"),
        (changed(0, local={"size": 3}), "described differently"),
        (changed(0, entry={"size": 3}, local={"size": 3}), "a/one.py is damaged"),
        (changed(0, local={"method": 0}), "described differently"),
        (changed(0, entry={"method": 0}, local={"method": 0}), "a/one.py is damaged"),
        (changed(0, local={"flags": 1}), "described differently"),
        (changed(0, flags=1), "is encrypted"),
        (changed(0, flags=0x40), "is encrypted"),
        (changed(0, flags=0x20), "another way than deflate"),
        (changed(0, method=12), "another way than deflate"),
        (changed(0, entry={"flags": 8}), "described differently"),
        (changed(1, method=0, described_behind=True), "stored without its size before it"),
        (changed(0, described_behind=True, descriptor={"crc": 9}), "differently behind its bytes"),
        (changed(0, described_behind=True, descriptor={"size": 9}), "differently behind its bytes"),
        (changed(1, gap=b"\0"), "follows a gap"),
        (changed(0, gap=b"#!/bin/sh\n"), "follows a gap"),
        (changed(1, entry={"header": 0}), "shares bytes with another one"),
        (changed(0, entry={"packed": 9999}, local={"packed": 9999}), "reaches beyond its place"),
        (changed(0, extra=struct.pack("<HH", 1, 99)), "damaged header"),
        (changed(0, extra=struct.pack("<HHBL4s", 0x7075, 9, 1, 0, b"evil")), "has two names"),
        (changed(0, mode=0o120777), "is a link or a special file"),
        (changed(0, mode=0o010644), "is a link or a special file"),
        (changed(0, mode=0o040755), "a folder, and not named as one"),
        (changed(0, name="a/one.py/"), "is a folder, and has content"),
        (changed(1, name="a/one.py"), "a/one.py is there twice"),
        (changed(0, name="a/\u202eyp.exe"), "not printable"),
        (changed(0, name="a/\x01"), "not printable"),
        (changed(0, name="a/x\0.py"), "not printable"),
        (changed(0, name="x" * 5000), "more than 4096 characters"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(
    path: Path, change: Callable[[list[Piece]], None], fault: str
) -> None:
    pieces = pieces_of()
    change(pieces)
    with pytest.raises(InvalidArchiveError, match=fault):
        metadata_of(path, write_pieces(pieces))


def test_no_member_lies_below_a_file(path: Path) -> None:
    with pytest.raises(InvalidArchiveError, match=r"a/one\.py is a folder for others"):
        metadata_of(path, write_pieces(pieces_of(FILES | {"a/one.py/x": b""})))


INNER = write_pieces([Piece("inner", b"x")])


@pytest.mark.parametrize(
    "odd",
    [
        {"suffix": b"\n"},
        {"suffix": b"\0" * 512},
        {"suffix": INNER},
        {"comment": INNER},
        {"comment": b"\0"},
        {"behind_members": b"\0"},
        {"behind_members": INNER[:36]},
        {"end": {"count": 5, "here": 5}},
        {"end": {"here": 5}},
        {"end": {"start": 0}},
        {"end": {"start": 10}, "large_end": True},
        {"end": {"count": 7, "here": 7}, "large_end": True},
        {"order": [0, 1, 2, 3, 4]},
        {"order": [0, 1, 2, 3, 4, 4]},
    ],
)
def test_nothing_may_lie_before_between_or_behind(path: Path, odd: dict[str, object]) -> None:
    archive = write_pieces(pieces_of(), **odd)  # type: ignore[arg-type]
    with pytest.raises(InvalidArchiveError):
        metadata_of(path, archive)
    with pytest.raises(InvalidArchiveError):
        metadata_of(path, b"#!/bin/sh\n" + write_pieces(pieces_of()))
