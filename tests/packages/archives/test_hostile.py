"""Archives that were made to do harm, or that were cut or changed on their way."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.helpers.distributions import build_sdist, build_wheel, write_tar, write_zip

from packslip.packages.archives import InvalidArchiveError, members, read_metadata
from packslip.packages.archives.tars import tar_members
from packslip.packages.filenames import parse_filename

FILENAMES = ("a-1.0.tar.gz", "a-1.0.zip", "a-1.0-py3-none-any.whl")

fuzz = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def metadata_of(path: Path) -> bytes:
    return read_metadata(path, parse_filename(path.name))


def made(folder: Path, filename: str) -> Path:
    files = {"a/one.py": b"print(1)\n" * 50, "a/two.bin": bytes(range(256)) * 20}
    if filename.endswith(".whl"):
        return build_wheel(folder, "a", "1.0", files=files)
    return build_sdist(folder, "a", "1.0", filename=filename, files=files)


def read_or_refused(folder: Path, filename: str, data: bytes) -> None:
    path = folder / filename
    path.write_bytes(data)
    try:
        content = metadata_of(path)
    except InvalidArchiveError as refusal:
        reason = refusal.reason
    else:
        reason = content[:0].decode()
    assert str(folder) not in reason
    assert reason.isascii()
    assert "\n" not in reason


@pytest.mark.parametrize("filename", FILENAMES)
@fuzz
@given(data=st.data())
def test_changed_bytes_are_read_or_refused(
    tmp_path: Path, filename: str, data: st.DataObject
) -> None:
    content = bytearray(made(tmp_path, filename).read_bytes())
    places = st.integers(0, len(content) - 1)
    for place in data.draw(st.lists(places, max_size=8)):
        content[place] = data.draw(st.integers(0, 255))
    read_or_refused(tmp_path, filename, bytes(content))


@fuzz
@given(data=st.data())
def test_changed_tar_headers_are_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in ("a-1.0/PKG-INFO", "a-1.0/" + "é" * 120, "a-1.0/x"):
            info = tarfile.TarInfo(name)
            info.size = 5
            archive.addfile(info, io.BytesIO(b"hello"))
    content = bytearray(stream.getvalue())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=6)):
        content[place] = data.draw(st.sampled_from(b"\0 0179agxLKS/=\xff\x80"))
    # With the right checksums again, so that what follows them is reached.
    for start in range(0, len(content), 512):
        if content[start + 257 : start + 262] == b"ustar":
            content[start + 148 : start + 156] = b" " * 8
            checksum = sum(content[start : start + 512])
            content[start + 148 : start + 156] = b"%06o\0 " % checksum
    read_or_refused(tmp_path, "a-1.0.tar.gz", gzip.compress(bytes(content), mtime=0))


@pytest.mark.parametrize("filename", FILENAMES)
@fuzz
@given(data=st.binary(max_size=2000))
def test_any_bytes_are_read_or_refused(tmp_path: Path, filename: str, data: bytes) -> None:
    read_or_refused(tmp_path, filename, data)
    read_or_refused(tmp_path, "a-1.0.tar.gz", gzip.compress(data, mtime=0))


@pytest.mark.parametrize("filename", FILENAMES)
def test_an_archive_cut_at_any_place_is_refused(tmp_path: Path, filename: str) -> None:
    whole = made(tmp_path, filename).read_bytes()
    for length in range(len(whole)):
        (tmp_path / filename).write_bytes(whole[:length])
        with pytest.raises(InvalidArchiveError):
            metadata_of(tmp_path / filename)


@pytest.mark.parametrize("filename", FILENAMES)
def test_each_members_checksum_is_checked(tmp_path: Path, filename: str) -> None:
    path = made(tmp_path, filename)
    whole = path.read_bytes()
    refused = 0
    for place in range(40, len(whole) - 60, 7):
        changed = bytearray(whole)
        changed[place] ^= 0x10
        path.write_bytes(bytes(changed))
        try:
            metadata_of(path)
        except InvalidArchiveError:
            refused += 1
    # What is left are dates and the like in headers of zip archives, which have no checksum.
    assert refused > len(range(40, len(whole) - 60, 7)) * (0.99 if "tar" in filename else 0.5)


def test_damage_names_the_member(tmp_path: Path) -> None:
    path = made(tmp_path, FILENAMES[2])
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("a/two.bin").header_offset
    content = bytearray(path.read_bytes())
    content[start + 60] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(InvalidArchiveError, match=r"member a/two.bin is damaged"):
        metadata_of(path)


def test_a_plain_tar_is_no_gzipped_one(tmp_path: Path) -> None:
    path = made(tmp_path, "a-1.0.tar.gz")
    path.write_bytes(gzip.decompress(path.read_bytes()))
    with pytest.raises(InvalidArchiveError, match="damaged"):
        metadata_of(path)


def test_behind_a_gzip_stream_is_padding_or_nothing(tmp_path: Path) -> None:
    path = made(tmp_path, "a-1.0.tar.gz")
    expected = metadata_of(path)
    plain = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(plain) + b"\0" * 5000)
    assert metadata_of(path) == expected
    for parts, fault in {
        (gzip.compress(plain[:700]), gzip.compress(plain[700:])): "several gzip streams",
        (gzip.compress(plain), b"garbage"): "something behind its end",
        (gzip.compress(plain + b"\0" * 512 + b"x"),): "something behind its last member",
    }.items():
        path.write_bytes(b"".join(parts))
        with pytest.raises(InvalidArchiveError, match=fault):
            metadata_of(path)


def test_encrypted_members_are_refused(tmp_path: Path) -> None:
    path = made(tmp_path, FILENAMES[2])
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        content[archive.infolist()[-1].header_offset + 6] |= 1
    content[content.rfind(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(content))
    with pytest.raises(InvalidArchiveError, match="is encrypted"):
        metadata_of(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_than_deflate_are_refused(tmp_path: Path, method: int) -> None:
    path = made(tmp_path, FILENAMES[2])
    with zipfile.ZipFile(path, "a", method) as archive:
        archive.writestr("a/more", b"more")
    with pytest.raises(InvalidArchiveError, match="a/more is compressed in another way"):
        metadata_of(path)


def test_links_in_a_zip_are_refused(tmp_path: Path) -> None:
    path = made(tmp_path, FILENAMES[2])
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo("a/link")
        info.create_system = 3
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(InvalidArchiveError, match="a/link is a link"):
        metadata_of(path)


def test_what_expands_beyond_all_measure_is_refused_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "FREE_EXPANSION", 1_000_000)
    zeros = b"\0" * 50_000_000
    wheel = build_wheel(tmp_path, "a", "1.0", files={"a/zeros": zeros})
    sdist = build_sdist(tmp_path, "a", "1.0", files={"zeros": zeros})
    del zeros
    for path in (wheel, sdist):
        tracemalloc.start()
        with pytest.raises(InvalidArchiveError, match="many times its size"):
            metadata_of(path)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
        tracemalloc.stop()


def test_a_size_that_is_declared_too_small_is_found_out(tmp_path: Path) -> None:
    path = made(tmp_path, FILENAMES[2])
    content = bytearray(path.read_bytes())
    entry = content.find(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = struct.pack("<L", 3)
    path.write_bytes(bytes(content))
    with pytest.raises(InvalidArchiveError, match="described differently"):
        metadata_of(path)


def test_a_directory_of_a_million_entries_is_refused_before_it_is_built(tmp_path: Path) -> None:
    path = tmp_path / FILENAMES[2]
    for count, fault in (
        (1_000_000, "directory that is too large"),
        (200_000, "more in its directory than its end says"),
    ):
        entries = (b"PK\x01\x02" + b"\0" * 42) * count
        end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(entries), 0, 0)
        path.write_bytes(entries + end)
        with pytest.raises(InvalidArchiveError, match=fault):
            metadata_of(path)


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "MOST_MEMBERS", 10)
    many = {f"a-1.0/{number}": b"" for number in range(20)}
    for path in (
        write_tar(tmp_path / "a-1.0.tar.gz", many),
        write_zip(tmp_path / "a-1.0.zip", many),
    ):
        with pytest.raises(InvalidArchiveError, match="more than 10 members"):
            metadata_of(path)


def header(kind: bytes, size: int, name: str = "a-1.0/x") -> bytes:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)


def padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 512)


@pytest.mark.parametrize(
    ("blocks", "fault"),
    [
        (header(b"x", 2**33) + b"\0" * 512, "header that is too long"),
        (header(b"L", 2**33) + b"\0" * 512, "header that is too long"),
        ((header(b"L", 3) + padded(b"abc")) * 20, "more than 8 headers"),
        (header(b"x", 20) + padded(b"2 2 2 2 2 2 2 2 2 2 "), "damaged header"),
        (header(b"x", 20) + padded(b"9" * 20), "damaged header"),
        (header(b"x", 12) + padded(b"12 size=-10\n") + header(b"0", 0), "below zero"),
        (header(b"x", 12) + padded(b"12 size=abc\n") + header(b"0", 0), "damaged or cut"),
        (header(b"g", 11) + padded(b"11 path=ab\n"), "one name or size"),
        (header(b"x", 24) + padded(b"24 GNU.sparse.major=1.0\n"), "sparse"),
        (header(b"x", 11) + padded(b"11 path=ab\n") + b"\0" * 512, "damaged or cut"),
        (header(b"0", 2**40), "damaged or cut"),
        (header(b"0", 5)[:300], "damaged or cut"),
        (header(b"0", 0) + b"junk" * 128, "damaged or cut"),
    ],
)  # fmt: skip
def test_hostile_tar_headers_are_refused(tmp_path: Path, blocks: bytes, fault: str) -> None:
    path = tmp_path / "a-1.0.tar.gz"
    path.write_bytes(gzip.compress(blocks))
    with pytest.raises(InvalidArchiveError, match=fault):
        metadata_of(path)


def test_a_gzip_with_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    path = made(tmp_path, "a-1.0.tar.gz")
    whole = path.read_bytes()
    crc = zlib.crc32(gzip.decompress(whole))
    assert struct.unpack("<L", whole[-8:-4]) == (crc,)
    path.write_bytes(whole[:-8] + struct.pack("<L", crc ^ 1) + whole[-4:])
    with pytest.raises(InvalidArchiveError):
        metadata_of(path)


@pytest.mark.parametrize(
    ("blocks", "fault"),
    [
        # Readers that pass over the second size would go on in the middle of the member.
        (header(b"x", 11) + padded(b"11 size=99\n") + header(b"0", 5), "two sizes"),
        (header(b"x", 22) + padded(b"11 path=ab\n11 path=cd\n"), "say different things"),
        (
            header(b"x", 11) + padded(b"11 path=ab\n") + header(b"L", 3) + padded(b"cd\0"),
            "say different things",
        ),
        (header(b"5", 512) + b"\0" * 512, "is no file, and has content"),
        (header(b"0", 0, "a-1.0/x/") + b"\0" * 512, "is a file, and named as a folder"),
        (header(b"0", 0, "a-1.0/\x01"), "not printable"),
        (header(b"0", 0) + b"\0" * 512 + header(b"0", 0, "a-1.0/y"), "behind its last member"),
    ],
)
def test_tar_archives_that_readers_would_take_differently_are_refused(
    tmp_path: Path, blocks: bytes, fault: str
) -> None:
    path = tmp_path / "a-1.0.tar.gz"
    path.write_bytes(gzip.compress(blocks))
    with pytest.raises(InvalidArchiveError, match=fault):
        metadata_of(path)


@fuzz
@given(data=st.data())
def test_what_is_read_of_a_changed_tar_is_what_tarfile_finds(
    tmp_path: Path, data: st.DataObject
) -> None:
    stream = io.BytesIO()
    form = data.draw(st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]))
    with tarfile.open(fileobj=stream, mode="w", format=form) as archive:
        for name in ("a-1.0/PKG-INFO", "a-1.0/" + "é" * 120, "a-1.0/x"):
            info = tarfile.TarInfo(name)
            info.size = 5
            archive.addfile(info, io.BytesIO(b"hello"))
    content = bytearray(stream.getvalue())
    for _ in range(data.draw(st.integers(1, 3))):
        # Mostly in names, sizes, types and extended headers.
        place = data.draw(st.integers(0, 10)) * 512 + data.draw(st.integers(0, 160))
        content[place] = data.draw(st.sampled_from(b"\0 0179agxLKS/=\xff\x80"))
    for start in range(0, len(content), 512):
        if content[start + 257 : start + 262] == b"ustar":
            content[start + 148 : start + 156] = b" " * 8
            content[start + 148 : start + 156] = b"%06o\0 " % sum(content[start : start + 512])
    path = tmp_path / "a-1.0.tar.gz"
    path.write_bytes(gzip.compress(bytes(content), 1, mtime=0))
    try:
        found = {
            member.name: b"".join(member.pieces)
            for member in members.checked(tar_members(path, members.Budget(100_000)))
            if member.kind is members.Kind.FILE
        }
    except InvalidArchiveError:
        return
    with tarfile.open(path) as archive:
        files = [info for info in archive.getmembers() if info.isreg()]
        expected = {info.name: archive.extractfile(info).read() for info in files}  # type: ignore[union-attr]
    assert found == {members.inside(name): content for name, content in expected.items()}
