from __future__ import annotations

import sys
from pathlib import Path

import pytest

from packslip.errors import SettingsError
from packslip.storage.factory import open_storage
from packslip.storage.local import LocalStorage
from packslip.storage.s3 import S3Location, S3Storage


@pytest.mark.parametrize(
    ("location", "folder"),
    [
        ("/srv/files", "/srv/files"),
        (Path("/srv/files"), "/srv/files"),
        ("file:///srv/files", "/srv/files"),
        ("file://localhost/srv/my%20files", "/srv/my files"),
    ],
)
def test_a_path_or_a_file_address_opens_a_folder(location: str | Path, folder: str) -> None:
    storage = open_storage(location, staging=Path("staging"))
    assert isinstance(storage, LocalStorage)
    assert storage.folder == Path(folder)


def test_a_relative_path_stays_the_same_folder_when_the_process_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    storage = open_storage("files", staging=Path("staging"))
    monkeypatch.chdir("/")
    assert isinstance(storage, LocalStorage)
    assert storage.folder == tmp_path / "files"


@pytest.mark.parametrize(
    ("location", "fault"),
    [
        ("s3:///prefix", "must read s3://bucket/prefix"),
        ("s3://user:secret@bucket/prefix", "must read s3://bucket/prefix"),
        ("s3://bucket/../prefix", "must read s3://bucket/prefix"),
        ("s3://bucket/prefix?acl=public", "must read s3://bucket/prefix"),
        ("ftp://example.com/", "cannot be of the kind ftp://"),
        ("file://example.com/srv", "must read file:///"),
        ("file://", "must read file:///"),
        ("", "is empty"),
    ],
)
def test_other_locations_are_wrong_settings(location: str, fault: str) -> None:
    with pytest.raises(SettingsError, match=fault):
        open_storage(location, staging=Path("staging"))


def test_an_object_store_is_described_by_its_address() -> None:
    storage = open_storage(
        "s3://packages/team%20one/a/?endpoint=https://objects.example.com&region=eu-1",
        staging=Path("staging"),
    )
    assert isinstance(storage, S3Storage)
    assert storage.location == S3Location(
        "packages", "team one/a", "https://objects.example.com", "eu-1"
    )


def test_without_the_library_an_object_store_is_a_wrong_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "packslip.storage.s3", None)
    with pytest.raises(SettingsError, match=r"pip install 'packslip\[s3\]'"):
        open_storage("s3://packages", staging=Path("staging"))
