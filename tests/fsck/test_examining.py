from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.application import sdist, wheel
from tests.helpers.packages import add_package, add_release
from tests.helpers.publishing import put, read_all

from packslip.db import is_postgresql, write_transaction
from packslip.downloads.models import Download, DownloadSpool
from packslip.downloads.recorder import current_recorder
from packslip.events.models import Event
from packslip.fsck.examining import count_steps, examine
from packslip.fsck.findings import GRACE, Outcome, Place
from packslip.index.models import StagedUpload
from packslip.mirror.models import MirrorFile
from packslip.packages.models import (
    File,
    Origin,
    Package,
    RegisteredFilename,
    Release,
    SearchEntry,
)
from packslip.packages.removal import remove_file, remove_release
from packslip.storage.local import LocalStorage
from packslip.storage.protocol import (
    MissingBytesError,
    content_key,
    kept_metadata_key,
    metadata_key,
)
from packslip.web.context import current_settings, current_storage

WHEEL = "demo-1.0-py3-none-any.whl"


@pytest.fixture
def held(session: Session, tmp_path: Path) -> File:
    """A wheel of demo 1.0, beside its source distribution."""
    put(session, current_storage(), sdist(tmp_path, "demo", "1.0"))
    return put(session, current_storage(), wheel(tmp_path, "demo", "1.0")).file


def fsck(
    session: Session, *, repair: bool = False, quick: bool = False, grace: timedelta = timedelta(0)
) -> list[Outcome]:
    session.rollback()
    place = Place(
        session, current_storage(), current_settings(), ACTOR, quick=quick, grace=grace,
        started_at=datetime.now(UTC) + timedelta(seconds=1),
    )  # fmt: skip
    steps = []
    found = list(examine(place, repair=repair, advance=lambda: steps.append(None)))
    assert len(steps) <= count_steps(place) or found
    return found


def found_and_mended(session: Session, *, quick: bool = False) -> list[str]:
    """What is found, as `kind: what`; then it is mended, and nothing is found any more."""
    found = told(fsck(session, quick=quick))
    assert told(fsck(session, quick=quick)) == found
    before = last_event(session)
    repaired = fsck(session, repair=True, quick=quick)
    assert told(repaired) == found
    assert all(one.is_mended for one in repaired), [one.line() for one in repaired]
    assert last_event(session) >= before + len(found)
    assert [one.line() for one in fsck(session)] == []
    return found


def told(outcomes: Iterable[Outcome]) -> list[str]:
    return [f"{one.finding.kind}: {one.finding.what}" for one in outcomes]


def last_event(session: Session) -> int:
    session.rollback()
    return session.scalar(select(Event.id).order_by(Event.id.desc()).limit(1)) or 0


def path_of(key: str | None) -> Path:
    storage = current_storage()
    assert isinstance(storage, LocalStorage)
    assert key is not None
    return storage.folder / key


def damage(key: str | None, data: bytes | None = None) -> None:
    """Change bytes as a disk does: without a word. By default one bit, the size stays."""
    path = path_of(key)
    before = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(bytes([before[0] ^ 1]) + before[1:] if data is None else data)


def mirror(session: Session, file: File, *, metadata: bytes | None = None) -> None:
    """Let the package be one of upstream's, of which this file is held."""
    with write_transaction(session):
        session.execute(update(Package).values(origin=Origin.MIRRORED))
        session.execute(update(SearchEntry).values(origin=Origin.MIRRORED))
        for one in session.scalars(select(File)).all():
            assert one.storage_key is not None
            current_storage().delete(metadata_key(one.storage_key))
            one.metadata_sha256 = None
            session.add(MirrorFile(file_id=one.id, kept_at=datetime.now(UTC)))
        if metadata is not None:
            file.metadata_sha256 = hashlib.sha256(metadata).hexdigest()
            session.flush()
            session.get_one(MirrorFile, file.id).metadata_kept = True
            key = kept_metadata_key(file.metadata_sha256, file.filename)
            current_storage().put_bytes(key, metadata)


def names_on_page(client: FlaskClient) -> list[str]:
    answer = client.get("/simple/demo/", headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    assert answer.json is not None
    return [file["filename"] for file in answer.json["files"]]


def test_after_ordinary_work_all_is_well(session: Session, held: File, tmp_path: Path) -> None:
    other = put(session, current_storage(), wheel(tmp_path, "other", "1.0")).file
    put(session, current_storage(), wheel(tmp_path, "other", "2.0rc1"))
    with write_transaction(session):
        keys = remove_file(session, ACTOR, session.get_one(File, held.id))
        keys += remove_release(session, ACTOR, session.get_one(Release, other.release_id))
    for key in keys:
        current_storage().delete(key)
    empty = put(session, current_storage(), wheel(tmp_path, "empty", "1.0")).file
    with write_transaction(session):
        (key, beside) = remove_file(session, ACTOR, session.get_one(File, empty.id))
    # Whoever removed it is not done yet.
    assert told(fsck(session, grace=GRACE)) == []
    assert sorted(told(fsck(session))) == [f"orphaned: {key}", f"orphaned: {beside}"]
    current_storage().delete(key)
    current_storage().delete(beside)
    assert told(fsck(session)) == told(fsck(session, quick=True)) == []


def test_a_file_without_bytes_leaves_the_index_until_it_is_uploaded_again(
    session: Session, client: FlaskClient, held: File, tmp_path: Path
) -> None:
    path_of(held.storage_key).unlink()
    assert found_and_mended(session, quick=True) == [f"missing: {WHEEL}"]
    assert names_on_page(client) == ["demo-1.0.tar.gz"]
    session.rollback()
    event = session.scalars(select(Event).where(Event.action == "file.lose")).one()
    assert event.data["filename"] == WHEEL
    assert session.get_one(Package, "demo").serial == event.id
    again = put(session, current_storage(), wheel(tmp_path, "demo", "1.0"))
    assert again.created
    assert WHEEL in names_on_page(client)
    assert told(fsck(session)) == []


def test_wrong_bytes_are_set_aside_and_never_served(
    session: Session, client: FlaskClient, held: File
) -> None:
    assert held.storage_key is not None
    damage(held.storage_key)
    assert told(fsck(session, quick=True)) == []
    assert found_and_mended(session) == [f"wrong: {WHEEL}"]
    assert names_on_page(client) == ["demo-1.0.tar.gz"]
    assert client.get(f"/files/{held.storage_key}").status_code == 404
    storage = current_storage()
    assert isinstance(storage, LocalStorage)
    (aside,) = (storage.folder / ".aside").iterdir()
    assert aside.name.endswith(WHEEL)


def test_bytes_that_were_cut_off_are_found_by_their_size(session: Session, held: File) -> None:
    damage(held.storage_key, b"PK")
    assert found_and_mended(session, quick=True) == [f"wrong: {WHEEL}"]


def test_bytes_that_are_back_are_taken_into_the_index_again(
    session: Session, client: FlaskClient, held: File
) -> None:
    assert held.storage_key is not None
    key, data = held.storage_key, path_of(held.storage_key).read_bytes()
    path_of(key).unlink()
    fsck(session, repair=True)
    assert WHEEL not in names_on_page(client)
    # From a backup.
    current_storage().put_bytes(key, data)
    assert found_and_mended(session) == [f"returned: {WHEEL}"]
    assert client.get(f"/files/{key}").data == data
    assert client.get(f"/files/{key}.metadata").status_code == 200


def test_what_no_row_names_is_removed_once_it_is_old(session: Session, held: File) -> None:
    storage, digest = current_storage(), hashlib.sha256(b"cut off").hexdigest()
    keys = [
        content_key(digest, "cut-1.0.tar.gz"),
        content_key(digest, "cut-1.0.tar.gz.metadata"),
        "staged/" + "0" * 32,
    ]
    for key in keys:
        storage.put_bytes(key, b"cut off")
    storage.put_bytes("README", b"of somebody else")
    assert told(fsck(session, repair=True, grace=GRACE)) == []
    assert sorted(found_and_mended(session)) == sorted(f"orphaned: {key}" for key in keys)
    assert storage.exists("README")


def test_what_is_named_meanwhile_is_left_alone(
    session: Session, held: File, tmp_path: Path
) -> None:
    path = wheel(tmp_path, "late", "1.0")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    key = content_key(digest, path.name)
    current_storage().put_bytes(key, path.read_bytes())
    place = Place(session, current_storage(), current_settings(), ACTOR, grace=-GRACE)
    outcomes = examine(place, repair=False, advance=lambda: None)
    (found,) = (one.finding for one in outcomes)
    assert found.mend is not None
    put(session, current_storage(), path)
    assert found.mend() is None
    assert current_storage().exists(key)
    assert told(fsck(session)) == []


def test_metadata_is_made_anew(session: Session, client: FlaskClient, held: File) -> None:
    assert held.storage_key is not None
    sdist_key = session.scalars(select(File.storage_key).where(File.packagetype == "sdist")).one()
    assert sdist_key is not None
    right = read_all(current_storage(), metadata_key(held.storage_key))
    damage(metadata_key(held.storage_key), b"Name: evil")
    path_of(metadata_key(sdist_key)).unlink()
    assert found_and_mended(session) == [
        "metadata: demo-1.0.tar.gz.metadata",
        f"metadata: {WHEEL}.metadata",
    ]
    assert client.get(f"/files/{held.storage_key}.metadata").data == right
    assert current_storage().exists(metadata_key(sdist_key))


def test_mirrored_files_are_fetched_again(session: Session, held: File) -> None:
    sdist_file = session.scalars(select(File).where(File.packagetype == "sdist")).one()
    assert held.storage_key is not None
    key, other = held.storage_key, sdist_file.storage_key
    mirror(session, held, metadata=b"Name: demo")
    metadata_sha256 = hashlib.sha256(b"Name: demo").hexdigest()
    assert told(fsck(session)) == []
    damage(key)
    path_of(other).unlink()
    assert found_and_mended(session) == ["missing: demo-1.0.tar.gz", f"wrong: {WHEEL}"]
    assert not current_storage().exists(key)
    session.rollback()
    assert [one.storage_key for one in session.scalars(select(File))] == [None, None]
    # The metadata stays though the bytes are gone.
    damage(kept_metadata_key(metadata_sha256, WHEEL))
    assert found_and_mended(session) == [f"metadata: {WHEEL}.metadata"]
    with write_transaction(session):
        session.get_one(MirrorFile, held.id).kept_at = datetime.now(UTC)
    assert found_and_mended(session) == [f"row: {WHEEL}"]


def test_what_was_cut_off_leaves_nothing(session: Session, held: File) -> None:
    settings, storage = current_settings(), current_storage()
    assert isinstance(storage, LocalStorage)
    (storage.folder / ".staging" / ("0" * 32)).write_bytes(b"half")
    (settings.data / "mirror").mkdir()
    (settings.data / "mirror" / f"99-{'0' * 16}.part").write_bytes(b"half")
    current_recorder().record(
        package_id="demo", release_id=held.release_id, filename=WHEEL, address=None, user_agent=""
    )
    # It is still written to.
    assert told(fsck(session)) == ["half: 1 staged file", f"half: 99-{'0' * 16}.part"]
    current_recorder().close()
    (spool,) = settings.downloads_folder.glob("*.jsonl")
    (settings.downloads_folder / "draft.new").touch()
    with write_transaction(session):
        values = {"filename": "waits-1.0.tar.gz", "size": 1, "sha256": "", "md5": ""}
        later = datetime.now(UTC) + timedelta(hours=1)
        session.add(
            StagedUpload(id="0" * 32, blake2_256="", arrived=True, expires_at=later, **values)
        )
        session.add(DownloadSpool(id="gone.jsonl", position=7))
    gone = [] if is_postgresql(session) else ["downloads: gone.jsonl"]
    assert found_and_mended(session) == [
        "half: 1 staged file",
        "missing: waits-1.0.tar.gz",
        f"half: 99-{'0' * 16}.part",
        f"downloads: {spool.name}",
        *gone,
        "half: draft.new",
    ]
    assert len(session.scalars(select(Download)).all()) == 1


def test_rows_that_disagree_are_mended(session: Session, held: File, tmp_path: Path) -> None:
    put(session, current_storage(), wheel(tmp_path, "other", "1.0"))
    size = held.size
    with write_transaction(session):
        session.get_one(File, held.id).size = 1
        session.get_one(Package, "demo").latest_version = "0.9"
        session.get_one(Release, held.release_id).size = 0
        session.execute(delete(RegisteredFilename).where(RegisteredFilename.id.startswith("other")))
    with write_transaction(session):
        session.execute(delete(SearchEntry).where(SearchEntry.package_id == "other"))
    add_release(session, add_package(session, "hollow"))
    with write_transaction(session):
        session.execute(text("DELETE FROM search_entries WHERE package_id = 'hollow'"))
    add_package(session, "bare")
    found = told(fsck(session))
    assert {f"row: {WHEEL}", "row: demo", "row: demo 1.0", "search: other"} <= set(found)
    assert {"empty: hollow 1.0", "empty: bare", "row: other-1.0-py3-none-any.whl"} <= set(found)
    assert all(one.is_mended for one in fsck(session, repair=True))
    assert told(fsck(session)) == []
    session.rollback()
    assert session.get_one(File, held.id).size == size
    assert session.get(Package, "bare") is None
    assert session.get_one(Package, "demo").latest_version == "1.0"


def test_packages_that_people_emptied_stay(session: Session, held: File) -> None:
    make_user(session)
    with write_transaction(session):
        keys = remove_release(session, ACTOR, session.get_one(Release, held.release_id))
    for key in keys:
        current_storage().delete(key)
    assert told(fsck(session, repair=True)) == []
    session.rollback()
    assert session.get(Package, "demo") is not None


def test_what_cannot_be_mended_is_told(
    session: Session, held: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise MissingBytesError("x")

    damage(held.storage_key)
    monkeypatch.setattr(current_storage(), "set_aside", fail)
    (outcome,) = fsck(session, repair=True)
    assert not outcome.is_mended
    assert "not mended" in outcome.line()
    session.rollback()
    # Nothing was half done.
    assert session.get_one(File, held.id).storage_key is not None


def test_bytes_that_cannot_be_read_are_left_to_people(
    session: Session, held: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", fail)
    outcomes = fsck(session, repair=True)
    assert {one.finding.kind for one in outcomes} == {"unreadable"}
    assert not any(one.is_mended for one in outcomes)
