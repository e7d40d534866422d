"""Files in an object store."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
import urllib3
from flask import Flask
from tests.helpers.app import make_app
from tests.helpers.databases import SQLiteDatabases
from tests.helpers.fetching import downloads
from tests.helpers.objects import endpoint, new_bucket
from tests.helpers.server import free_port
from tests.helpers.stored import add_stored_file, path_of

from packslip.db import db
from packslip.packages.models import File
from packslip.storage import s3
from packslip.web.context import current_storage

CONTENT = b"0123456789"


class Index:
    """An application that keeps its files in a bucket, with one small file."""

    def __init__(self, folder: Path, databases: SQLiteDatabases, **settings: str) -> None:
        address = settings.pop("address", "") or new_bucket()
        self.app: Flask = make_app(
            folder, databases.create(folder), PACKSLIP_STORAGE_URL=address, **settings
        )
        self.client = self.app.test_client()

    def add(self) -> str:
        with self.app.app_context():
            file: File = add_stored_file(db.session(), CONTENT, "demo-1.0.tar.gz")
            return path_of(file)

    def downloads(self) -> int:
        with self.app.app_context():
            return len(downloads(db.session()))


def test_a_file_comes_through_the_server_whole_and_in_parts(
    tmp_path: Path, sqlite_databases: SQLiteDatabases
) -> None:
    index = Index(tmp_path, sqlite_databases)
    path = index.add()
    whole = index.client.get(path)
    assert (whole.status_code, whole.data) == (200, CONTENT)
    part = index.client.get(path, headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.data) == (206, b"234")
    head = index.client.head(path)
    assert (head.status_code, head.headers["Content-Length"]) == (200, "10")
    assert index.downloads() == 1


def test_clients_are_sent_to_the_store_where_that_is_set(
    tmp_path: Path, sqlite_databases: SQLiteDatabases
) -> None:
    index = Index(tmp_path, sqlite_databases, PACKSLIP_STORAGE_DOWNLOADS="redirect")
    path = index.add()
    answer = index.client.get(path)
    assert answer.status_code == 302
    assert answer.cache_control.no_store
    assert urlsplit(answer.location).path.endswith("/demo-1.0.tar.gz")
    assert urllib3.request("GET", answer.location).data == CONTENT
    assert index.downloads() == 1
    part = index.client.get(path, headers={"Range": "bytes=2-4"})
    assert part.status_code == 302
    # A signed address is for one method alone.
    head = index.client.head(path)
    assert (head.status_code, head.headers["Content-Length"]) == (200, "10")
    known = index.client.get(path, headers={"If-None-Match": head.headers["ETag"]})
    assert known.status_code == 304
    assert index.downloads() == 1


def test_nobody_is_sent_to_bytes_that_are_missing(
    tmp_path: Path, sqlite_databases: SQLiteDatabases
) -> None:
    index = Index(tmp_path, sqlite_databases, PACKSLIP_STORAGE_DOWNLOADS="redirect")
    path = index.add()
    with index.app.app_context():
        current_storage().delete(path.removeprefix("/files/"))
    answer = index.client.get(path)
    assert answer.status_code == 503
    assert "demo-1.0.tar.gz" in answer.text
    assert index.downloads() == 0


def test_a_store_that_is_away_is_told_and_found_again(
    tmp_path: Path, sqlite_databases: SQLiteDatabases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "RETRIES", 0)
    index = Index(tmp_path, sqlite_databases)
    path = index.add()
    with index.app.app_context():
        storage = current_storage()
        assert isinstance(storage, s3.S3Storage)
        there = storage.store
        nobody = s3.S3Location("packages", "", f"http://127.0.0.1:{free_port()}", "us-east-1")
        storage.__dict__["store"] = s3.S3Storage(nobody, tmp_path).store
        away = index.client.get(path)
        assert away.status_code == 503
        assert away.status.endswith("the object store does not answer as it should.")
        assert index.client.get("/readyz").status_code == 503
        assert index.client.get("/simple/demo/").status_code == 200
        storage.__dict__["store"] = there
    assert index.client.get(path).data == CONTENT
    assert index.client.get("/readyz").status_code == 200


def test_the_address_of_the_store_is_in_no_answer_of_the_server(
    tmp_path: Path, sqlite_databases: SQLiteDatabases
) -> None:
    index = Index(tmp_path, sqlite_databases)
    answer = index.client.get(index.add())
    assert endpoint() not in str(answer.headers)
