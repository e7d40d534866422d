"""Publishing while things fail, and while others publish."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.distributions import build_wheel
from tests.helpers.publishing import count_rows, put, read_all, staged, stored, upload

from packslip.accounts.identity import Identity
from packslip.accounts.models import User
from packslip.db import db
from packslip.errors import StorageFullError
from packslip.packages import publishing
from packslip.packages.access import NotMaintainerError
from packslip.packages.free_names import LookalikeNameError
from packslip.packages.models import (
    File,
    Maintainer,
    Package,
    Release,
)
from packslip.packages.publishing import (
    FilenameTakenError,
    publication,
    publish_upload,
)
from packslip.storage.protocol import Storage
from packslip.web.context import current_storage


@pytest.fixture
def storage(app: Flask) -> Storage:
    return current_storage()


class CrashError(Exception):
    """What goes wrong in a test."""


def crash(*args: Any, **values: Any) -> None:
    raise CrashError


def after(function: Callable[..., Any]) -> Callable[..., Any]:
    def run_and_crash(*args: Any, **values: Any) -> None:
        function(*args, **values)
        raise CrashError

    return run_and_crash


STEPS = ["confirm", "require_uploader", "open_release", "add_file", "hold_file", "refresh_texts"]


@pytest.mark.parametrize("with_package", [False, True])
@pytest.mark.parametrize("step", [*STEPS, "put", "after put", "put_bytes", "after all", "commit"])
def test_whatever_fails_nothing_of_an_upload_is_left_and_it_can_be_repeated(
    app: Flask,
    session: Session,
    storage: Storage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    with_package: bool,
) -> None:
    ada = make_user(session)
    if with_package:
        upload(session, storage, ada, build_wheel(tmp_path, "demo", "0.1"))
    rows, bytes_ = count_rows(session), stored(app)
    path = build_wheel(tmp_path, "demo", "1.0")
    with monkeypatch.context() as patch, pytest.raises(CrashError):
        if step in STEPS:
            patch.setattr(publishing, step, crash)
        elif step == "after put":
            patch.setattr(storage, "put", after(storage.put))
        elif step in ("put", "put_bytes"):
            patch.setattr(storage, step, crash)
        elif step == "commit":
            event.listen(session, "before_commit", crash, once=True)
        actor = Identity(ada).actor(None)
        with (
            staged(storage, path) as distribution,
            publication(session, storage, distribution),
        ):
            publish_upload(session, storage, Identity(ada), actor, distribution)
            if step == "after all":
                crash()
    assert count_rows(session) == rows
    assert stored(app) == bytes_
    assert upload(session, storage, ada, path).created
    assert stored(app) == sorted([*bytes_, path.name, f"{path.name}.metadata"])


def test_bytes_that_a_row_names_survive_the_failure_of_another_upload(
    app: Flask,
    session: Session,
    storage: Storage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ada = make_user(session)
    path = build_wheel(tmp_path, "demo", "1.0")
    upload(session, storage, ada, path)
    before = stored(app)
    monkeypatch.setattr(publishing, "_claim_filename", crash)
    with pytest.raises(CrashError):
        upload(session, storage, ada, path)
    assert stored(app) == before


def test_a_failure_to_clear_up_does_not_hide_the_first_failure(
    app: Flask,
    session: Session,
    storage: Storage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_room(*args: Any) -> None:
        raise StorageFullError("There is no room left.")

    monkeypatch.setattr(storage, "put_bytes", no_room)
    monkeypatch.setattr(storage, "delete", crash)
    with pytest.raises(StorageFullError):
        put(session, storage, build_wheel(tmp_path, "demo", "1.0"))
    assert stored(app) == ["demo-1.0-py3-none-any.whl"]
    assert session.get(Package, "demo") is None


def in_threads(app: Flask, tasks: list[Callable[[Session, Storage], Any]]) -> list[Any]:
    """Run the tasks at the same time; give what each returned or raised."""
    barrier = threading.Barrier(len(tasks))

    def run(task: Callable[[Session, Storage], Any]) -> Any:
        with app.app_context():
            try:
                barrier.wait()
                return task(db.session(), current_storage())
            except Exception as error:
                return error
            finally:
                db.session.remove()

    with ThreadPoolExecutor(len(tasks)) as pool:
        return list(pool.map(run, tasks))


def uploader(username: str, path: Path) -> Callable[[Session, Storage], bool]:
    def task(session: Session, storage: Storage) -> bool:
        user = session.scalars(select(User).where(User.username == username)).one()
        return upload(session, storage, user, path).created

    return task


def test_of_simultaneous_uploads_of_one_name_exactly_one_wins(
    app: Flask, session: Session, storage: Storage, tmp_path: Path
) -> None:
    make_user(session)
    paths = [
        build_wheel(tmp_path / str(number), "demo", "1.0", summary=f"Number {number}.")
        for number in range(6)
    ]
    results = in_threads(app, [uploader("ada", path) for path in paths])
    assert results.count(True) == 1, results
    assert all(isinstance(one, FilenameTakenError) for one in results if one is not True), results
    file = session.scalars(select(File)).one()
    assert file.storage_key is not None
    winner = paths[results.index(True)]
    assert read_all(storage, file.storage_key) == winner.read_bytes()
    assert stored(app) == [winner.name, f"{winner.name}.metadata"]


def test_simultaneous_uploads_of_the_same_bytes_all_succeed(
    app: Flask, session: Session, storage: Storage, tmp_path: Path
) -> None:
    make_user(session)
    path = build_wheel(tmp_path, "demo", "1.0")
    results = in_threads(app, [uploader("ada", path) for _ in range(6)])
    assert sorted(results) == [False] * 5 + [True]
    assert stored(app) == [path.name, f"{path.name}.metadata"]


def test_a_new_name_gets_one_owner(
    app: Flask, session: Session, storage: Storage, tmp_path: Path
) -> None:
    tasks = []
    for number in range(5):
        make_user(session, f"user{number}")
        tasks.append(uploader(f"user{number}", build_wheel(tmp_path, "demo", f"1.{number}")))
    results = in_threads(app, tasks)
    assert results.count(True) == 1, results
    assert sum(isinstance(one, NotMaintainerError) for one in results) == 4, results
    assert session.scalar(select(func.count()).select_from(Maintainer)) == 1
    assert session.scalar(select(func.count()).select_from(Release)) == 1


def test_of_new_names_that_look_alike_one_wins(
    app: Flask, session: Session, storage: Storage, tmp_path: Path
) -> None:
    make_user(session)
    paths = [build_wheel(tmp_path, name, "1.0") for name in ("t0ol", "tool", "too1", "t0o1")]
    results = in_threads(app, [uploader("ada", path) for path in paths])
    assert results.count(True) == 1, results
    assert all(isinstance(one, LookalikeNameError) for one in results if one is not True), results
    assert len(stored(app)) == 2
    assert len(session.scalars(select(Package)).all()) == 1


def test_simultaneous_uploads_to_many_packages_share_new_licences_and_languages(
    app: Flask, session: Session, storage: Storage, tmp_path: Path
) -> None:
    make_user(session)
    languages = ["C", "Rust", "Python"]
    tasks = []
    for number in range(6):
        order = languages[number % 3 :] + languages[: number % 3]
        classifiers = [f"Programming Language :: {language}" for language in order]
        path = build_wheel(tmp_path, f"demo{number}", "1.0", license="MIT", classifier=classifiers)
        tasks.append(uploader("ada", path))
    assert in_threads(app, tasks) == [True] * 6
    for package in session.scalars(select(Package)):
        assert package.license_id == "MIT"
        assert [language.id for language in package.languages] == ["C", "Python", "Rust"]


def test_a_failed_upload_leaves_the_bytes_of_one_that_comes_at_the_same_time(
    app: Flask,
    session: Session,
    storage: Storage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_user(session)
    path = build_wheel(tmp_path, "demo", "1.0")
    upload_normally = uploader("ada", path)
    thread = threading.local()
    touch = publishing.touch

    def touch_or_crash(*args: Any) -> None:
        touch(*args)
        if getattr(thread, "fails", False):
            raise CrashError

    def upload_in_vain(session: Session, storage: Storage) -> bool:
        thread.fails = True
        return upload_normally(session, storage)

    monkeypatch.setattr(publishing, "touch", touch_or_crash)
    results = in_threads(app, [upload_in_vain, upload_normally] * 3)
    assert results[1::2].count(True) == 1, results
    file = session.scalars(select(File)).one()
    assert file.storage_key is not None
    assert read_all(storage, file.storage_key) == path.read_bytes()
    assert storage.exists(f"{file.storage_key}.metadata")
