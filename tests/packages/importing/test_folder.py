from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.distributions import build_sdist, build_wheel
from tests.helpers.documents import make_document, make_file, write_document
from tests.helpers.publishing import count_rows

from packslip.db import write_transaction
from packslip.events.models import Event
from packslip.events.operations import Actor
from packslip.packages.digests import digests_of
from packslip.packages.importing import folder
from packslip.packages.importing.folder import Importer, find_files, import_file
from packslip.packages.importing.report import Item, Kind, Outcome
from packslip.packages.models import File, Maintainer, Package
from packslip.packages.removal import remove_file
from packslip.storage.local import LocalStorage
from packslip.web.context import current_storage

ACTOR = Actor("tester")


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """The folder that is imported."""
    path = tmp_path / "packages"
    path.mkdir()
    return path


@pytest.fixture
def importer(app: Flask, session: Session) -> Importer:
    return Importer(session, current_storage(), ACTOR)


def take_in(importer: Importer, path: Path) -> Item:
    (found,) = find_files(path)
    return import_file(importer, found)


def stored() -> list[str]:
    storage = current_storage()
    assert isinstance(storage, LocalStorage)
    return sorted(path.name for path in storage.folder.rglob("*") if path.is_file())


def test_files_are_found_at_any_depth_in_the_order_of_names(packages: Path) -> None:
    for name in ("b.whl", "a/z.json", "a/b/c.txt", ".hidden"):
        path = packages / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (packages / "loop").symlink_to(packages)
    names = [str(path.relative_to(packages)) for path in find_files(packages)]
    assert names == [".hidden", "a/b/c.txt", "a/z.json", "b.whl", "loop"]
    assert find_files(packages / "b.whl") == [packages / "b.whl"]


def test_what_cannot_be_imported_is_skipped_with_a_reason(
    importer: Importer, packages: Path
) -> None:
    os.mkfifo(packages / "pipe.whl")
    (packages / "link").symlink_to(packages)
    (packages / "nowhere.whl").symlink_to(packages / "missing")
    (packages / "notes.txt").write_text("hello")
    (packages / "data.JSON").write_text("[]")
    (packages / "backup.tar.gz").write_bytes(b"x")
    items = [import_file(importer, path) for path in find_files(packages)]
    assert {Path(item.path).name: item.reason for item in items} == {
        "pipe.whl": "not a file, or a link to none",
        "link": "a link to a folder",
        "nowhere.whl": "not a file, or a link to none",
        "notes.txt": "neither a JSON document nor a wheel, .tar.gz or .zip",
        "data.JSON": "JSON of another kind",
        "backup.tar.gz": "not named as a source distribution: name-version",
    }
    assert {item.outcome for item in items} == {Outcome.SKIPPED}


def test_a_document_that_is_too_large_is_skipped(
    importer: Importer, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "LARGEST_DOCUMENT", 10)
    item = take_in(importer, write_document(packages, make_document()))
    assert (item.outcome, item.reason) == (Outcome.SKIPPED, "too large for a document")


def test_what_cannot_be_read_fails(
    importer: Importer, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    item = take_in(importer, write_document(packages, make_document()))
    assert (item.outcome, item.reason) == (Outcome.FAILED, "Permission denied")


def test_distributions_are_published(importer: Importer, packages: Path) -> None:
    build_wheel(packages / "deep" / "er", "Demo.Pkg", "1.0", license="MIT")
    build_sdist(packages, "Demo.Pkg", "1.0")
    items = [import_file(importer, path) for path in find_files(packages)]
    assert [(item.outcome, item.package) for item in items] == [(Outcome.ADDED, "demo-pkg")] * 2
    session = importer.session
    package = session.scalars(select(Package)).one()
    assert (package.name, package.license_id, package.maintainers) == ("Demo.Pkg", "MIT", [])
    for file in session.scalars(select(File)):
        assert file.storage_key is not None
        assert current_storage().exists(file.storage_key)
        assert file.uploader_id is None
    first, second = (item.changes.counts() for item in items)
    assert first["packages"] == {"added": 1, "changed": 0, "present": 0}
    assert second["packages"] == {"added": 0, "changed": 1, "present": 0}
    assert first["releases"]["added"] == first["licenses"]["added"] == 1
    assert second["releases"]["changed"] == second["licenses"]["present"] == 1
    assert package.serial == session.scalar(select(func.max(Event.id)))


def test_distributions_are_there_already_the_second_time(
    importer: Importer, packages: Path
) -> None:
    path = build_wheel(packages, "demo", "1.0")
    take_in(importer, path)
    before = count_rows(importer.session)
    item = take_in(importer, path)
    assert (item.outcome, item.package) == (Outcome.PRESENT, "demo")
    assert not item.changes.are_any
    assert count_rows(importer.session) == before


def test_other_bytes_under_a_name_fail(importer: Importer, packages: Path) -> None:
    take_in(importer, build_wheel(packages / "a", "demo", "1.0"))
    item = take_in(importer, build_wheel(packages / "b", "demo", "1.0", summary="Another."))
    assert item.outcome == Outcome.FAILED
    assert item.reason is not None
    assert item.reason.startswith("File already exists")


def test_a_broken_distribution_fails_and_leaves_nothing(importer: Importer, packages: Path) -> None:
    path = packages / "demo-1.0-py3-none-any.whl"
    path.write_bytes(b"no archive")
    before = count_rows(importer.session)
    assert take_in(importer, path).outcome == Outcome.FAILED
    path = packages / "a" / "misnamed.whl"
    path.parent.mkdir()
    path.write_bytes(b"no archive")
    item = take_in(importer, path)
    assert item.outcome == Outcome.FAILED
    assert "misnamed.whl" in (item.reason or "")
    assert count_rows(importer.session) == before
    assert stored() == []


def test_the_owner_owns_only_what_is_new(importer: Importer, packages: Path) -> None:
    session = importer.session
    take_in(importer, build_wheel(packages / "a", "old", "1.0"))
    ada = make_user(session, "ada")
    importer = Importer(session, importer.storage, ACTOR, owner=ada)
    take_in(importer, build_wheel(packages / "b", "old", "2.0"))
    item = take_in(importer, build_wheel(packages / "c", "new", "1.0"))
    owned = [(m.package_id, m.user.username, m.role) for m in session.scalars(select(Maintainer))]
    assert owned == [("new", "ada", "owner")]
    assert item.changes.counts()["maintainers"]["added"] == 1


def test_bytes_come_to_a_file_that_a_document_named(importer: Importer, packages: Path) -> None:
    path = build_wheel(packages, "demo", "1.0")
    known = make_file(path.name, digests={"sha256": digests_of(path).sha256})
    take_in(importer, write_document(packages / "d", make_document("demo", {"1.0": [known]})))
    item = take_in(importer, path)
    assert item.outcome == Outcome.CHANGED
    file = importer.session.scalars(select(File)).one()
    assert file.storage_key is not None
    assert file.size == path.stat().st_size


def test_what_was_removed_from_the_index_stays_away(importer: Importer, packages: Path) -> None:
    path = build_wheel(packages, "demo", "1.0")
    take_in(importer, path)
    session = importer.session
    with write_transaction(session):
        remove_file(session, ACTOR, session.scalars(select(File)).one())
    item = take_in(importer, path)
    assert (item.outcome, item.reason) == (
        Outcome.SKIPPED,
        "the index had it, and it was removed there",
    )


def test_a_dry_run_says_the_same_and_stores_nothing(
    importer: Importer, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_wheel(packages, "demo", "1.0", license="MIT")
    (packages / "broken-1.0.tar.gz").write_bytes(b"no archive")
    write_document(packages, make_document("other", author_email="jane@example.com"))
    dry = Importer(importer.session, importer.storage, ACTOR, dry_run=True)
    before = count_rows(importer.session)
    told = [import_file(dry, path) for path in find_files(packages)]
    assert count_rows(importer.session) == before
    assert stored() == []
    assert told == [import_file(importer, path) for path in find_files(packages)]
    assert [item.outcome for item in told] == [Outcome.FAILED, Outcome.ADDED, Outcome.ADDED]


@pytest.mark.parametrize("step", ["add_people", "refresh_texts"])
def test_an_interrupted_document_is_rolled_back_whole(
    importer: Importer, packages: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def interrupt(*args: Any) -> None:
        raise KeyboardInterrupt

    path = write_document(packages, make_document(author_email="jane@example.com"))
    before = count_rows(importer.session)
    with monkeypatch.context() as patch:
        patch.setattr(f"packslip.packages.importing.operations.{step}", interrupt)
        with pytest.raises(KeyboardInterrupt):
            take_in(importer, path)
    assert count_rows(importer.session) == before
    assert take_in(importer, path).outcome == Outcome.ADDED


def test_an_interrupted_distribution_is_rolled_back_with_its_bytes(
    importer: Importer, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    path = build_wheel(packages, "demo", "1.0")
    before = count_rows(importer.session)
    with monkeypatch.context() as patch:
        patch.setattr(type(importer.storage), "put_bytes", interrupt)
        with pytest.raises(KeyboardInterrupt):
            take_in(importer, path)
    assert count_rows(importer.session) == before
    assert stored() == []
    item = take_in(importer, path)
    assert item.changes.outcomes[Kind.FILE, path.name] == Outcome.ADDED
