"""What every storage keeps to; another one joins by an entry in `STORAGES`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.helpers.objects import new_bucket

from packslip.storage.factory import open_storage
from packslip.storage.local import LocalStorage
from packslip.storage.protocol import (
    BLOCK_SIZE,
    InvalidKeyError,
    MissingBytesError,
    Storage,
    check_key,
    content_key,
)


def bucket(folder: Path) -> Storage:
    return open_storage(new_bucket(), staging=folder)


STORAGES: dict[str, Callable[[Path], Storage]] = {"folder": LocalStorage, "bucket": bucket}

KEY = content_key("ab" * 32, "demo-1.0-py3-none-any.whl")


@pytest.fixture(params=STORAGES)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return STORAGES[request.param](tmp_path / "files")


def read(storage: Storage, key: str, start: int = 0, stop: int | None = None) -> bytes:
    with storage.open(key) as stored:
        return b"".join(stored.read(start, stop))


def test_what_was_staged_and_put_is_read_back(storage: Storage) -> None:
    with storage.stage() as staged:
        staged.write(b"first ")
        staged.write(memoryview(b"second"))
        storage.put(KEY, staged)

    with storage.open(KEY) as stored:
        assert stored.size == 12
        assert b"".join(stored.read()) == b"first second"


def test_a_staged_file_can_be_read_on_disk_while_it_is_written(storage: Storage) -> None:
    with storage.stage() as staged:
        assert staged.size == 0
        assert staged.write(b"abc") == 3
        assert staged.path.read_bytes() == b"abc"
        assert staged.size == 3


def test_a_staged_file_is_gone_when_it_was_not_put(storage: Storage) -> None:
    with storage.stage() as staged:
        staged.write(b"abc")
    assert not staged.path.exists()


def test_a_staged_file_is_gone_when_its_block_fails(storage: Storage) -> None:
    with pytest.raises(TypeError), storage.stage() as staged:
        staged.write("text")  # type: ignore[arg-type]
    assert not staged.path.exists()


def test_two_files_can_be_staged_at_once(storage: Storage) -> None:
    with storage.stage() as one, storage.stage() as two:
        one.write(b"1")
        two.write(b"2")
        storage.put(f"{KEY}.one", one)
        storage.put(f"{KEY}.two", two)
    assert read(storage, f"{KEY}.one") + read(storage, f"{KEY}.two") == b"12"


def test_a_key_that_exists_keeps_its_bytes(storage: Storage) -> None:
    storage.put_bytes(KEY, b"first")
    storage.put_bytes(KEY, b"second")
    assert read(storage, KEY) == b"first"


def test_an_empty_file_can_be_stored(storage: Storage) -> None:
    storage.put_bytes(KEY, b"")
    assert read(storage, KEY) == b""


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [(0, None, b"0123456789"), (3, None, b"3456789"), (0, 1, b"0"), (4, 7, b"456"), (5, 5, b"")],
)
def test_a_range_is_read(storage: Storage, start: int, stop: int | None, expected: bytes) -> None:
    storage.put_bytes(KEY, b"0123456789")
    assert read(storage, KEY, start, stop) == expected


def test_a_large_file_is_read_in_blocks(storage: Storage) -> None:
    data = hashlib.shake_128(b"seed").digest(2 * BLOCK_SIZE + 1)
    storage.put_bytes(KEY, data)
    with storage.open(KEY) as stored:
        blocks = list(stored.read())
    assert b"".join(blocks) == data
    assert max(map(len, blocks)) <= BLOCK_SIZE


def test_reading_past_the_end_is_an_error(storage: Storage) -> None:
    storage.put_bytes(KEY, b"short")
    with pytest.raises(MissingBytesError):
        read(storage, KEY, 0, 6)


def test_a_missing_key_is_an_error_of_its_own(storage: Storage) -> None:
    with pytest.raises(MissingBytesError, match=r"demo-1\.0-py3-none-any\.whl are missing"):
        storage.open(KEY)


def test_a_folder_of_keys_is_no_key(storage: Storage) -> None:
    storage.put_bytes(KEY, b"abc")
    folder = KEY.rpartition("/")[0]
    assert not storage.exists(folder)
    with pytest.raises(MissingBytesError):
        storage.open(folder)


def test_a_key_exists_once_it_was_put_and_until_it_is_deleted(storage: Storage) -> None:
    assert not storage.exists(KEY)
    storage.put_bytes(KEY, b"abc")
    assert storage.exists(KEY)
    storage.delete(KEY)
    assert not storage.exists(KEY)


def test_deleting_twice_is_harmless(storage: Storage) -> None:
    storage.delete(KEY)
    storage.put_bytes(KEY, b"abc")
    storage.delete(KEY)
    storage.delete(KEY)


def test_an_open_file_outlives_its_key(storage: Storage) -> None:
    storage.put_bytes(KEY, b"abc")
    with storage.open(KEY) as stored:
        storage.delete(KEY)
        assert b"".join(stored.read()) == b"abc"


def test_a_deleted_key_can_be_put_again(storage: Storage) -> None:
    storage.put_bytes(KEY, b"abc")
    storage.delete(KEY)
    storage.put_bytes(KEY, b"abc")
    assert read(storage, KEY) == b"abc"


def test_all_keys_are_listed_and_nothing_else(storage: Storage) -> None:
    # Stores tell whole seconds, some the one that has begun and others the one to come.
    before, second = datetime.now(UTC) - timedelta(seconds=2), timedelta(seconds=1)
    assert list(storage.keys()) == []
    storage.put_bytes(KEY, b"abc")
    storage.put_bytes(f"{KEY}.metadata", b"")
    storage.put_bytes("staged/" + "0" * 32, b"12")
    storage.put_bytes("aside", b"damaged")
    storage.set_aside("aside")
    with storage.stage() as staged:
        staged.write(b"half")
        listed = list(storage.keys())
    sizes = {KEY: 3, f"{KEY}.metadata": 0, "staged/" + "0" * 32: 2}
    assert {one.key: one.size for one in listed} == sizes
    assert all(before < one.put_at <= datetime.now(UTC) + second for one in listed)


def test_a_key_that_was_put_again_is_not_unused(storage: Storage) -> None:
    storage.put_bytes(KEY, b"abc")
    later = datetime.now(UTC) + timedelta(hours=1)
    assert not storage.delete_unused(KEY, since=later - timedelta(hours=2))
    assert read(storage, KEY) == b"abc"
    assert storage.delete_unused(KEY, since=later)
    assert not storage.exists(KEY)
    assert not storage.delete_unused(KEY, since=later)
    assert list(storage.keys()) == []


def test_what_is_set_aside_has_no_key_and_makes_room_for_what_is_right(storage: Storage) -> None:
    storage.put_bytes(KEY, b"damaged")
    storage.set_aside(KEY)
    assert not storage.exists(KEY)
    storage.set_aside(KEY)
    storage.put_bytes(KEY, b"right")
    assert read(storage, KEY) == b"right"


def test_a_new_storage_is_ready(storage: Storage) -> None:
    storage.check()
    assert storage.clean_staging() == 0


@pytest.mark.parametrize(
    "key",
    ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", "./a", ".staging/x", "a/.b", "a\\b",
     "a\0b", "a\nb", "a/" + "x" * 256, "a/" + "é" * 128, "a\udcff"],
)  # fmt: skip
def test_a_key_that_could_lead_out_is_refused_everywhere(storage: Storage, key: str) -> None:
    for method in (storage.open, storage.exists, storage.delete, storage.set_aside):
        with pytest.raises(InvalidKeyError):
            method(key)
    with pytest.raises(InvalidKeyError):
        storage.put_bytes(key, b"abc")


@given(st.text())
def test_an_accepted_key_stays_below_the_folder(key: str) -> None:
    try:
        check_key(key)
    except InvalidKeyError:
        return
    folder = Path("/files")
    assert folder in Path(f"/files/{key}").resolve().parents


def test_a_content_key_spreads_files_over_folders_by_digest() -> None:
    digest = hashlib.sha256(b"").hexdigest()
    key = content_key(digest, "demo-1.0.tar.gz")
    assert key == f"{digest[:2]}/{digest[2:4]}/{digest[4:]}/demo-1.0.tar.gz"


@pytest.mark.parametrize(
    ("sha256", "filename"),
    [("ab", "x"), ("AB" * 32, "x"), ("ab" * 32, "a/b"), ("ab" * 32, ""), ("ab" * 32 + "\n", "x")],
)
def test_what_is_no_digest_or_name_makes_no_key(sha256: str, filename: str) -> None:
    with pytest.raises(InvalidKeyError):
        content_key(sha256, filename)
