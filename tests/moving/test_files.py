from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from tests.helpers.objects import new_bucket

from packslip.moving import files
from packslip.moving.files import DamagedBytesError, DifferentBytesError, carry_files
from packslip.storage.factory import open_storage
from packslip.storage.local import LocalStorage
from packslip.storage.protocol import Storage, content_key, metadata_key


def filled(folder: Path, number: int = 5) -> LocalStorage:
    """A folder with so many files, each with metadata beside it."""
    storage = LocalStorage(folder)
    for one in range(number):
        data = bytes([one]) * 1000
        key = content_key(sha256(data).hexdigest(), f"demo-{one}.tar.gz")
        storage.put_bytes(key, data)
        storage.put_bytes(metadata_key(key), b"Name: demo\n")
    return storage


def contents(storage: Storage) -> dict[str, bytes]:
    found = {}
    for stored in storage.keys():  # noqa: SIM118 - no mapping
        with storage.open(stored.key) as file:
            found[stored.key] = b"".join(file.read())
    return found


def test_all_bytes_go_into_a_bucket_and_back(tmp_path: Path) -> None:
    source = filled(tmp_path / "files")
    bucket = open_storage(new_bucket(), staging=tmp_path / "staging")
    there = carry_files(source, bucket, lambda stored: None)
    assert (there.files, there.size, there.known) == (10, 5 * (1000 + 11), 0)
    back = LocalStorage(tmp_path / "back")
    carry_files(bucket, back, lambda stored: None)
    assert contents(back) == contents(source) == contents(bucket)


def test_only_what_is_missing_is_carried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = filled(tmp_path / "files"), LocalStorage(tmp_path / "other")
    monkeypatch.setattr(files, "_AHEAD", 2)
    seen: list[str] = []

    def advance(stored: object) -> None:
        seen.append("one")
        if len(seen) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carry_files(source, target, advance)  # type: ignore[arg-type]
    again = carry_files(source, target, lambda stored: None)
    assert again.files == 10
    assert again.known >= 4
    assert contents(target) == contents(source)


def test_damaged_bytes_are_not_carried(tmp_path: Path) -> None:
    source, target = filled(tmp_path / "files", 1), LocalStorage(tmp_path / "other")
    (path,) = (tmp_path / "files").rglob("*.tar.gz")
    path.chmod(0o600)
    path.write_bytes(b"x" * 1000)
    with pytest.raises(DamagedBytesError, match=r"demo-0\.tar\.gz"):
        carry_files(source, target, lambda stored: None)
    assert not any(key.endswith(".tar.gz") for key in contents(target))


def test_bytes_that_arrive_otherwise_are_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = filled(tmp_path / "files", 1), LocalStorage(tmp_path / "other")
    put = target.put

    def put_badly(key: str, staged: object) -> None:
        put(key, staged)  # type: ignore[arg-type]
        path = target.folder / key
        path.chmod(0o600)
        path.write_bytes(b"y")

    monkeypatch.setattr(target, "put", put_badly)
    with pytest.raises(DifferentBytesError):
        carry_files(source, target, lambda stored: None)
