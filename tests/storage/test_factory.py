from __future__ import annotations

from pathlib import Path

import pytest

from packslip.errors import SettingsError
from packslip.storage.factory import open_storage
from packslip.storage.local import LocalStorage


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
    storage = open_storage(location)
    assert isinstance(storage, LocalStorage)
    assert storage.folder == Path(folder)


def test_a_relative_path_stays_the_same_folder_when_the_process_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    storage = open_storage("files")
    monkeypatch.chdir("/")
    assert isinstance(storage, LocalStorage)
    assert storage.folder == tmp_path / "files"


@pytest.mark.parametrize(
    ("location", "fault"),
    [
        ("s3://bucket/prefix", "This version cannot keep files in S3"),
        ("ftp://example.com/", "cannot be of the kind ftp://"),
        ("file://example.com/srv", "must read file:///"),
        ("file://", "must read file:///"),
        ("", "is empty"),
    ],
)
def test_other_locations_are_wrong_settings(location: str, fault: str) -> None:
    with pytest.raises(SettingsError, match=fault):
        open_storage(location)
