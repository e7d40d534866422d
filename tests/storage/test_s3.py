"""What is special about an object store. All else is in the contract."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import obstore
import pytest
import urllib3
from tests.helpers.objects import endpoint, new_bucket
from tests.helpers.server import free_port

from packslip.errors import StorageFullError
from packslip.storage import s3
from packslip.storage.factory import open_storage
from packslip.storage.protocol import MissingBytesError, StorageUnavailableError, content_key
from packslip.storage.s3 import PART_SIZE, S3Storage

KEY = content_key("ab" * 32, "demo-1.0-py3-none-any.whl")


def make_storage(folder: Path, address: str | None = None) -> S3Storage:
    storage = open_storage(address or new_bucket(), staging=folder / "staging")
    assert isinstance(storage, S3Storage)
    return storage


def put_large(storage: S3Storage, size: int = PART_SIZE + 12345) -> bytes:
    data = hashlib.shake_128(b"seed").digest(size)
    with storage.stage() as staged:
        staged.write(data)
        storage.put(KEY, staged)
    return data


def test_a_large_file_goes_in_parts_and_comes_back_in_ranges(tmp_path: Path) -> None:
    storage = make_storage(tmp_path)
    data = put_large(storage)
    with storage.open(KEY) as stored:
        held_back = len(data) - 1000
        # As it is sent: all but the end, then the end, of one answer of the store.
        found = b"".join(stored.read(0, held_back)) + b"".join(stored.read(held_back))
        assert found == data
        assert b"".join(stored.read(PART_SIZE - 5, PART_SIZE + 5)) == data[-12350:-12340]
    assert not list((tmp_path / "staging").iterdir())


def test_a_large_file_that_is_there_keeps_its_bytes(tmp_path: Path) -> None:
    storage = make_storage(tmp_path)
    storage.put_bytes(KEY, b"first")
    put_large(storage)
    with storage.open(KEY) as stored:
        assert b"".join(stored.read()) == b"first"


def test_what_was_put_long_ago_counts_as_put_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = make_storage(tmp_path)
    storage.put_bytes(KEY, b"abc")
    before = datetime.now(UTC) + timedelta(seconds=1)
    monkeypatch.setattr(s3, "REFRESHED", timedelta(0))
    while datetime.now(UTC) < before:
        storage.put_bytes(KEY, b"abc")
    storage.put_bytes(KEY, b"abc")
    assert not storage.delete_unused(KEY, since=before - timedelta(seconds=1))
    assert storage.exists(KEY)


def test_a_store_that_knows_no_conditions_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONDITIONAL_PUT", "disabled")
    storage = make_storage(tmp_path)
    storage.put_bytes(KEY, b"first")
    storage.put_bytes(KEY, b"second")
    with storage.open(KEY) as stored:
        assert b"".join(stored.read()) == b"first"


def test_objects_are_what_browsers_save(tmp_path: Path) -> None:
    storage = make_storage(tmp_path)
    storage.put_bytes(KEY, b"<script>")
    address = storage.signed_address(KEY, timedelta(minutes=1))
    assert address is not None
    answer = urllib3.request("GET", address)
    assert answer.data == b"<script>"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment"
    assert urlsplit(address).path.endswith("/demo-1.0-py3-none-any.whl")


def test_damaged_bytes_are_set_aside_beside_the_keys(tmp_path: Path) -> None:
    storage = make_storage(tmp_path)
    storage.put_bytes(KEY, b"damaged")
    storage.set_aside(KEY)
    assert not storage.exists(KEY)
    assert not list(storage.keys())
    (page,) = obstore.list(storage.store)
    (aside,) = page
    assert aside["path"].startswith("packslip/.aside/")
    assert aside["path"].endswith("/demo-1.0-py3-none-any.whl")


def test_two_prefixes_of_a_bucket_know_nothing_of_each_other(tmp_path: Path) -> None:
    address = new_bucket("one")
    one, other = (make_storage(tmp_path, address.replace("/one?", f"/{p}?")) for p in ("one", "on"))
    one.put_bytes(KEY, b"abc")
    assert {stored.key for stored in list(one.keys())} == {KEY}
    assert not list(other.keys())
    assert not other.exists(KEY)


def test_a_bucket_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    storage = make_storage(tmp_path, f"s3://no-such-bucket?endpoint={endpoint()}&region=us-east-1")
    for attempt in (storage.check, lambda: storage.put_bytes(KEY, b"abc")):
        with pytest.raises(StorageUnavailableError, match="there is no such bucket"):
            attempt()


def test_a_store_that_does_not_answer_is_no_missing_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "RETRIES", 0)
    nobody = f"s3://packages?endpoint=http://127.0.0.1:{free_port()}&region=us-east-1"
    storage = make_storage(tmp_path, nobody)
    for attempt in (
        lambda: storage.open(KEY),
        lambda: storage.exists(KEY),
        lambda: storage.delete(KEY),
        lambda: storage.put_bytes(KEY, b"abc"),
        lambda: list(storage.keys()),
        storage.check,
    ):
        with pytest.raises(StorageUnavailableError) as caught:
            attempt()  # type: ignore[no-untyped-call]
        assert "127.0.0.1" not in caught.value.reason


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("<Code>XMinioStorageFull</Code>", StorageFullError),
        ("<Code>QuotaExceeded</Code>", StorageFullError),
        ("<Code>SlowDown</Code>", StorageUnavailableError),
    ],
)
def test_what_the_store_says_decides_what_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str, expected: type[Exception]
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise obstore.exceptions.GenericError(told)

    storage = make_storage(tmp_path)
    monkeypatch.setattr(obstore, "put", refuse)
    with pytest.raises(expected):
        storage.put_bytes(KEY, b"abc")


def test_what_ends_early_is_missing(tmp_path: Path) -> None:
    storage = make_storage(tmp_path)
    storage.put_bytes(KEY, b"short")
    with storage.open(KEY) as stored, pytest.raises(MissingBytesError):
        list(stored.read(5, 6))
