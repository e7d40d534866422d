"""A backup is consistent, however much changes meanwhile, and copies nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.app import make_app
from tests.helpers.backups import Silent, archive_of_all, back_up, bytes_of
from tests.helpers.databases import SQLiteDatabases
from tests.helpers.distributions import build_wheel
from tests.helpers.objects import new_bucket
from tests.helpers.publishing import upload

from packslip.backups.making import BackupBusyError
from packslip.backups.places import NoSnapshotError, read_snapshot, snapshots
from packslip.backups.pruning import prune
from packslip.backups.restoring import check_snapshot
from packslip.backups.stored import BucketPlace, FolderPlace
from packslip.db import db, write_transaction
from packslip.packages.models import Package
from packslip.packages.removal import remove_package
from packslip.web.context import current_storage


def test_what_is_removed_meanwhile_is_in_neither_rows_nor_files(
    app: Flask, session: Session, tmp_path: Path
) -> None:
    owner = make_user(session, "ada")
    for name in ("stays", "goes"):
        upload(session, current_storage(), owner, build_wheel(tmp_path, name, "1.0"))
    turns = []

    @contextmanager
    def remove_one(total: int, /) -> Iterator[Silent]:
        turns.append(total)
        if len(turns) == 1:
            _remove(session, "goes")
        yield Silent()

    place = FolderPlace(tmp_path / "backups")
    made = back_up(place, show_progress=remove_one)
    assert turns == [4, 2]
    assert not made.damaged
    name, manifest = read_snapshot(place)
    assert {part.key.split("/")[-1].split("-")[0] for part in manifest.files} == {"stays"}
    assert check_snapshot(place, name, manifest, Silent()) == []


def test_a_folder_gets_only_what_it_does_not_have_and_lets_go_of_what_nobody_names(
    app: Flask, session: Session, tmp_path: Path
) -> None:
    owner = make_user(session, "ada")
    upload(session, current_storage(), owner, build_wheel(tmp_path, "old", "1.0"))
    folder = tmp_path / "backups"
    place = FolderPlace(folder)
    with place.locked():
        first = back_up(place)
        upload(session, current_storage(), owner, build_wheel(tmp_path, "new", "1.0"))
        second = back_up(place)
        _remove(session, "old")
        third = back_up(place)
        assert (first.copied, second.copied, third.copied) == (2, 2, 0)
        assert (first.files, second.files, third.files) == (2, 4, 2)
        assert prune(place, 2) == [first.snapshot]
        assert any("/old-1.0" in path for path in bytes_of(folder))
        assert prune(place, 1) == [second.snapshot]
    assert not any("/old-1.0" in path for path in bytes_of(folder))
    assert snapshots(place) == [third.snapshot]
    assert [path.name for path in (folder / "snapshots").iterdir()] == [third.snapshot]
    name, manifest = read_snapshot(place)
    assert check_snapshot(place, name, manifest, Silent()) == []


def test_a_bucket_gets_only_what_it_does_not_have(
    sqlite_databases: SQLiteDatabases, tmp_path: Path
) -> None:
    app = make_app(tmp_path, sqlite_databases.create(tmp_path))
    with app.app_context():
        session = db.session()
        owner = make_user(session, "ada")
        upload(session, current_storage(), owner, build_wheel(tmp_path, "old", "1.0"))
        address = new_bucket()
        with BucketPlace(address, tmp_path / "staging").locked():
            first = back_up(BucketPlace(address, tmp_path / "staging"))
            _remove(session, "old")
            upload(session, current_storage(), owner, build_wheel(tmp_path, "new", "1.0"))
            second = back_up(BucketPlace(address, tmp_path / "staging"))
        third = back_up(BucketPlace(address, tmp_path / "staging"))
    assert (first.copied, second.copied, third.copied) == (2, 2, 0)
    place = BucketPlace(address, tmp_path / "staging")
    assert snapshots(place) == [first.snapshot, second.snapshot, third.snapshot]
    assert prune(place, 1) == [first.snapshot, second.snapshot]
    name, manifest = read_snapshot(BucketPlace(address, tmp_path / "staging"))
    assert name == third.snapshot
    assert check_snapshot(place, name, manifest, Silent()) == []
    assert not any("/old-1.0" in path for path in place.file_paths())
    place.remove(next(path for path in place.file_paths() if path.endswith(".whl")))
    [missing] = check_snapshot(place, name, manifest, Silent())
    assert missing.endswith("new-1.0-py3-none-any.whl")


def test_files_that_are_damaged_here_are_named_and_left_out(
    app: Flask, session: Session, tmp_path: Path
) -> None:
    owner = make_user(session, "ada")
    for name in ("whole", "changed", "missing", "half"):
        upload(session, current_storage(), owner, build_wheel(tmp_path, name, "1.0"))
    found = {path.name: path for path in (tmp_path / "files").rglob("*.whl")}
    for path in found.values():
        path.chmod(0o644)
    found["missing-1.0-py3-none-any.whl"].unlink()
    changed, half = found["changed-1.0-py3-none-any.whl"], found["half-1.0-py3-none-any.whl"]
    changed.write_bytes(b"X" + changed.read_bytes()[1:])
    half.write_bytes(half.read_bytes()[:100])
    place = FolderPlace(tmp_path / "backups")
    for target in (place, None):
        made = archive_of_all(tmp_path / "backup.tar") if target is None else back_up(target)
        assert sorted(key.split("/")[-1].split("-")[0] for key in made.damaged) == [
            "changed",
            "half",
            "missing",
        ]
        # Those of the whole one, and the metadata of all.
        assert made.files == 5


def test_an_unfinished_snapshot_is_none(app: Flask, session: Session, tmp_path: Path) -> None:
    owner = make_user(session, "ada")
    upload(session, current_storage(), owner, build_wheel(tmp_path, "demo", "1.0"))
    place = FolderPlace(tmp_path / "backups")
    with pytest.raises(KeyboardInterrupt):
        back_up(place, show_progress=Silent(fail_at=1))
    with pytest.raises(NoSnapshotError):
        read_snapshot(place)
    with pytest.raises(KeyboardInterrupt):
        archive_of_all_interrupted(tmp_path / "backup.tar")
    assert not list(tmp_path.glob("backup.tar*"))
    assert not (tmp_path / "backup").exists()
    assert back_up(place).files == 2


def archive_of_all_interrupted(path: Path) -> None:
    from packslip.backups.archives import new_archive  # noqa: PLC0415

    with new_archive(path) as archive:
        back_up(archive, show_progress=Silent(fail_at=1))


def test_only_one_command_at_a_time_adds_to_a_folder(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "backups")
    with place.locked(), pytest.raises(BackupBusyError), FolderPlace(place.folder).locked():
        pass


def _remove(session: Session, name: str) -> None:
    with write_transaction(session):
        keys = remove_package(session, ACTOR, session.get_one(Package, name))
    for key in keys:
        current_storage().delete(key)
