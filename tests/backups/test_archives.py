"""An archive is there whole, or not at all."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packslip.backups.archives import ArchiveReader, new_archive, open_archive
from packslip.backups.manifests import (
    InvalidBackupError,
    Manifest,
    path_in,
    read_manifest,
    snapshot_of,
)
from packslip.backups.places import BackupBusyError, NoSnapshotError, read_snapshot

NAME = "20260102T030405000006Z-0123abcd"


def write(path: Path) -> dict[str, bytes]:
    members = {
        "files/ab/cd/" + "0" * 60 + "/demo-1.0.tar.gz": b"bytes" * 1000,
        "files/ab/cd/" + "0" * 60 + "/" + "é" * 120 + ".whl": b"x",
        "files/empty": b"",
        path_in(NAME, "manifest.json"): b"{}",
    }
    with new_archive(path) as archive:
        for name, data in members.items():
            archive.add(name, len(data), [data])
    return members


def test_members_are_read_as_they_were_written_and_other_tools_read_them_too(
    tmp_path: Path,
) -> None:
    members = write(tmp_path / "backup.tar")
    with open_archive(tmp_path / "backup.tar") as archive:
        assert {path: b"".join(archive.read(path)) for path in archive.paths()} == members
    with tarfile.open(tmp_path / "backup.tar") as archive_of_others:
        assert archive_of_others.getnames() == list(members)


@given(st.integers(min_value=0, max_value=1_000_000))
@settings(max_examples=200, deadline=None)
def test_what_is_cut_short_has_no_snapshot(where: int) -> None:
    data = _archive()
    cut = data[: where % (len(data) - 2 * tarfile.BLOCKSIZE)]
    with pytest.raises((InvalidBackupError, NoSnapshotError)):
        read_snapshot(ArchiveReader(io.BytesIO(cut)))


def _archive() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, size in (("files/a", 3000), ("files/b", 1), (path_in(NAME, "manifest.json"), 9)):
            info = tarfile.TarInfo(name)
            info.size = size
            archive.addfile(info, io.BytesIO(b"x" * size))
    # Without what tarfile fills its last block of 10 KiB with.
    return file.getvalue()[: 512 * 3 + 3072 + 512 + 512 + 1024]


def test_a_member_that_fails_half_way_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "backup.tar"
    with new_archive(path) as archive:
        archive.add("files/a", 1, [b"a"])
        with pytest.raises(ZeroDivisionError):
            archive.add("files/b", 2000, (bytes(1000) if n else bytes(1 // n) for n in (1, 0)))
        archive.add("files/c", 1, [b"c"])
    with open_archive(path) as opened:
        assert list(opened.paths()) == ["files/a", "files/c"]
        assert b"".join(opened.read("files/c")) == b"c"


def test_an_older_backup_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "backup.tar"
    write(path)
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError), new_archive(path):
        raise ZeroDivisionError
    assert path.read_bytes() == before
    with new_archive(path), pytest.raises(BackupBusyError), new_archive(path):
        pass


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x1f\x8b" + bytes(600), b"words " * 500])
def test_what_is_no_archive_is_told_so(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "backup.tar"
    path.write_bytes(data)
    with pytest.raises(InvalidBackupError, match="no tar archive"), open_archive(path):
        pass


def test_only_manifests_in_their_place_make_a_snapshot() -> None:
    assert snapshot_of(f"snapshots/{NAME}/manifest.json") == NAME
    for path in (
        "snapshots/../manifest.json",
        f"snapshots/{NAME}/database.gz",
        f"files/snapshots/{NAME}/manifest.json",
        f"snapshots/{NAME}\n/manifest.json",
    ):
        assert snapshot_of(path) is None


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "damaged"),
        (b"[]", "damaged"),
        (b'{"format":"other","version":1}', "none of Packslip"),
        (b'{"format":"packslip-backup","version":2}', "version 2"),
        (b'{"format":"packslip-backup","version":1}', "damaged"),
    ],
)
def test_a_manifest_of_something_else_is_refused(data: bytes, fault: str) -> None:
    with pytest.raises(InvalidBackupError, match=fault):
        read_manifest(data)


@pytest.mark.parametrize("key", ["../escape", "/etc/passwd", "a/../../b", ".hidden/x", ""])
def test_a_manifest_cannot_lead_out_of_the_storage(key: str) -> None:
    import json  # noqa: PLC0415

    part = {"key": "database.gz", "size": 1, "sha256": "0" * 64}
    document = {
        "format": "packslip-backup",
        "version": 1,
        "made": "2026-01-02T03:04:05Z",
        "made_by": "a test",
        "kind": "sqlite",
        "revision": "0001",
        "database": part,
        "secret_key": None,
        "files": [],
        "damaged": [],
    }
    assert isinstance(read_manifest(json.dumps(document).encode()), Manifest)
    document["files"] = [part | {"key": key}]
    with pytest.raises(InvalidBackupError, match="no storage takes"):
        read_manifest(json.dumps(document).encode())
