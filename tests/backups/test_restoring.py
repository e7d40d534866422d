"""What was backed up comes back, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.app import make_app
from tests.helpers.backups import archive_of_all, bytes_of, empty_place, restore, rows_of
from tests.helpers.databases import PostgresDatabases, SQLiteDatabases
from tests.helpers.distributions import build_wheel
from tests.helpers.everything import add_everything
from tests.helpers.inside import Inside
from tests.helpers.publishing import upload

from packslip import create_app
from packslip.backups.manifests import InvalidBackupError
from packslip.backups.restoring import DamagedBackupError, NotEmptyError, OtherRestoreError
from packslip.db import db
from packslip.errors import SettingsError
from packslip.settings import Settings
from packslip.snapshots import DatabaseCopyError
from packslip.web.context import current_settings, current_storage


@pytest.fixture
def new_database_url(
    request: pytest.FixtureRequest, database_url: str
) -> Iterator[Callable[[], str]]:
    """A database of the same kind as that of the test, without tables."""
    made: list[str] = []

    def create() -> str:
        if database_url.startswith("sqlite"):
            return ""
        databases: PostgresDatabases = request.getfixturevalue("postgres_databases")
        made.append(databases.create(empty=True))
        return made[-1]

    yield create
    for url in made:
        request.getfixturevalue("postgres_databases").drop(url)


def test_everything_comes_back_as_it_was(
    app: Flask, database_url: str, new_database_url: Callable[[], str], tmp_path: Path
) -> None:
    server: Any = SimpleNamespace(url="http://packages.example.com")
    add_everything(Inside(server, app), tmp_path)
    archive = tmp_path / "backup.tar"
    made = archive_of_all(archive)
    assert made.files == made.copied > 5
    assert not made.damaged
    place = empty_place(tmp_path / "new", new_database_url())

    assert restore(place, archive).files == made.files

    before, after = rows_of(database_url), rows_of(place.database_url)
    assert sum(map(len, before.values())) > 100
    assert after == before
    files = tmp_path / "files"
    assert bytes_of(place.data / "files") == bytes_of(files)
    again = make_app(place.data, place.database_url)
    with again.app_context():
        assert again.test_client().get("/simple/everything/").status_code == 200


@pytest.fixture
def small(tmp_path: Path, sqlite_databases: SQLiteDatabases) -> Path:
    """A backup of a few files, of an index on SQLite with a secret key of its own."""
    app = make_app(tmp_path, sqlite_databases.create(tmp_path))
    (tmp_path / "secret-key").write_text("of this index")
    with app.app_context():
        session = db.session()
        owner = make_user(session, "ada")
        for number in range(3):
            path = build_wheel(tmp_path / "dists", f"demo{number}", "1.0")
            upload(session, current_storage(), owner, path)
        archive_of_all(tmp_path / "backup.tar")
    return tmp_path / "backup.tar"


def test_a_place_with_a_database_or_files_is_left_alone(small: Path, tmp_path: Path) -> None:
    place = empty_place(tmp_path / "new")
    restore(place, small)
    before = bytes_of(place.data)
    with pytest.raises(NotEmptyError, match="there is a database"):
        restore(place, small)
    (place.data / "packslip.db").rename(tmp_path / "away.db")
    with pytest.raises(NotEmptyError, match="the storage has files"):
        restore(place, small)
    (tmp_path / "away.db").rename(place.data / "packslip.db")
    assert bytes_of(place.data) == before


@pytest.mark.parametrize("fail_at", [0, 2, 5])
def test_what_was_interrupted_serves_nothing_and_is_taken_up_again(
    small: Path, tmp_path: Path, fail_at: int
) -> None:
    place = empty_place(tmp_path / "new")
    with pytest.raises(KeyboardInterrupt):
        restore(place, small, fail_at=fail_at)
    with pytest.raises(SettingsError, match="not restored to its end"):
        create_app({"PACKSLIP_DATA": place.data})

    assert restore(place, small).files == 6

    assert rows_of(place.database_url) == rows_of(f"sqlite:///{tmp_path / 'packslip.db'}")
    create_app({"PACKSLIP_DATA": place.data})


def test_another_backup_does_not_go_on_where_one_was_interrupted(
    small: Path, tmp_path: Path
) -> None:
    place = empty_place(tmp_path / "new")
    with pytest.raises(KeyboardInterrupt):
        restore(place, small, fail_at=1)
    with make_app(tmp_path, f"sqlite:///{tmp_path / 'packslip.db'}").app_context():
        archive_of_all(tmp_path / "other.tar")
    with pytest.raises(OtherRestoreError):
        restore(place, tmp_path / "other.tar")


def test_a_file_with_other_bytes_stops_it_unless_that_is_put_up_with(
    small: Path, tmp_path: Path
) -> None:
    data = small.read_bytes()
    at = data.index(b"PK\x03\x04")
    damaged = tmp_path / "damaged.tar"
    damaged.write_bytes(data[:at] + b"XX" + data[at + 2 :])
    place = empty_place(tmp_path / "new")

    with pytest.raises(DamagedBackupError) as caught:
        restore(place, damaged)

    [key] = caught.value.keys
    assert not (place.data / "packslip.db").exists()
    restored = restore(place, damaged, despite_damage=True)
    assert restored.damaged == [key]
    assert restored.files == 5
    assert not (place.data / "files" / key).exists()
    assert (place.data / "packslip.db").exists()


def test_the_secret_key_comes_back_for_its_owner_alone(small: Path, tmp_path: Path) -> None:
    # The tests' application is given one, which is nothing for a backup.
    place = empty_place(tmp_path / "new")
    restore(place, small)
    assert not (place.data / "secret-key").exists()
    settings = _keeping_its_key(tmp_path)
    app = make_app(tmp_path, f"sqlite:///{tmp_path / 'packslip.db'}")
    with app.app_context():
        app.extensions["packslip_settings"] = settings
        assert current_settings().secret_key is None
        assert archive_of_all(tmp_path / "keyed.tar").has_secret_key
    place = empty_place(tmp_path / "keyed")
    restore(place, tmp_path / "keyed.tar")
    key = place.data / "secret-key"
    assert key.read_text() == "of this index"
    assert key.stat().st_mode & 0o077 == 0
    assert (tmp_path / "keyed.tar").stat().st_mode & 0o077 == 0


def _keeping_its_key(folder: Path) -> Settings:
    from packslip.settings import load_settings  # noqa: PLC0415

    return load_settings({"PACKSLIP_DATA": str(folder)})


def test_a_backup_of_another_database_or_of_a_later_version_is_refused(
    small: Path, tmp_path: Path
) -> None:
    other = empty_place(tmp_path / "new", "postgresql://packages.example.com/none")
    with pytest.raises(InvalidBackupError, match="its database is one of sqlite"):
        restore(other, small)
    data = small.read_bytes()
    at = data.index(b'"revision":"') + len(b'"revision":"')
    later = tmp_path / "later.tar"
    later.write_bytes(data[:at] + b"9999" + data[at + 4 :])
    with pytest.raises(InvalidBackupError, match="a later version"):
        restore(empty_place(tmp_path / "other"), later)


def test_without_the_tools_of_postgresql_it_is_one_sentence(
    app: Flask, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if db.engine.dialect.name == "sqlite":
        archive_of_all(tmp_path / "backup.tar")
        return
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DatabaseCopyError, match="There is no pg_dump in PATH"):
        archive_of_all(tmp_path / "backup.tar")
    assert not list(tmp_path.glob("backup.tar*"))


def test_what_a_killed_attempt_left_half_written_is_gone(small: Path, tmp_path: Path) -> None:
    place = empty_place(tmp_path / "new")
    with pytest.raises(KeyboardInterrupt):
        restore(place, small, fail_at=1)
    half = place.data / "files" / ".staging" / "half"
    half.write_bytes(b"half")
    restore(place, small)
    assert not half.exists()
