"""What one index exports another one takes in: files, people, notes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.app import make_app
from tests.helpers.databases import SQLiteDatabases
from tests.helpers.distributions import build_sdist, build_wheel
from tests.helpers.notes import make_note
from tests.helpers.publishing import upload
from tests.helpers.teams import make_team

from packslip.accounts.models import User
from packslip.accounts.queries import find_user
from packslip.db import db, write_transaction
from packslip.events.models import Event
from packslip.exchange import taking
from packslip.exchange.commands import export_command
from packslip.exchange.documents import InvalidExportError, read_package
from packslip.exchange.import_commands import import_command
from packslip.notes.models import Note, Visibility
from packslip.packages.models import Act, File, MaintainerRole, Package
from packslip.packages.operations import note_upstream_yank
from packslip.packages.roles import list_team_parts
from packslip.web.context import current_storage

MOMENT = datetime(2020, 2, 3, 4, 5, 6, 789000, tzinfo=UTC)


@pytest.fixture
def exported(app: Flask, session: Session, tmp_path: Path) -> Path:
    """The folder into which an index with two packages exported one of them."""
    ada = make_user(session, "ada", name="Ada L.")
    bob = make_user(session, "bob")
    for path in (
        build_wheel(tmp_path, "Demo.Thing", "1.0"),
        build_sdist(tmp_path, "Demo.Thing", "2.0"),
        build_wheel(tmp_path, "other", "1.0"),
    ):
        upload(session, current_storage(), ada, path)
    make_note(session, ada, "Is slow", package="demo-thing", visibility=Visibility.TEAM)
    make_note(session, ada, "Drops sessions", package="demo-thing", act=Act.WARN)
    make_note(session, ada, "My own", package="demo-thing")
    with write_transaction(session):
        package = session.get_one(Package, "demo-thing")
        package.maintainers[0].role = MaintainerRole.MAINTAINER
        note_upstream_yank(session, ACTOR, package.releases[0], "broken")
        session.execute(update(File).values(uploaded_at=MOMENT))
        session.execute(
            update(File).where(File.filename.contains("2.0")).values(uploader_id=bob.id)
        )
    make_team(session, packages={"demo-thing": "owner"}, prefixes={"demo": "maintainer"})
    done = _run(app, export_command, str(tmp_path / "export"), "Demo_Thing", "--json")
    assert done.exit_code == 0, done.output
    return tmp_path / "export"


@contextmanager
def another(folder: Path, databases: SQLiteDatabases) -> Iterator[tuple[Flask, Session]]:
    folder.mkdir()
    app = make_app(folder, databases.create(folder))
    with app.app_context():
        yield app, db.session()


def _run(app: Flask, command: Any, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(command, list(arguments))


def test_a_package_comes_back_with_its_files_people_and_notes(
    exported: Path, tmp_path: Path, sqlite_databases: SQLiteDatabases
) -> None:
    with another(tmp_path / "new", sqlite_databases) as (app, session):
        done = _run(app, import_command, str(exported), "--json")
        [said] = json.loads(done.stdout)
        assert (said["added"], said["present"], said["notes"]) == (2, 0, 2)
        # Without a --user nobody has the right to let it act.
        assert [one.split(": ", 1)[1] for one in said["problems"]] == [
            "it does not act: that needs a --user who may do that"
        ]
        package = session.get_one(Package, "demo-thing")
        assert package.name == "Demo.Thing"
        files = {file.filename: file for one in package.releases for file in one.files}
        assert {file.uploaded_at for file in files.values()} == {MOMENT}
        uploaders = {file.uploader.username for file in files.values() if file.uploader}
        assert uploaders == {"ada", "bob"}
        [maintainer] = package.maintainers
        assert (maintainer.user.username, maintainer.user.name) == ("ada", "Ada L.")
        assert maintainer.role == MaintainerRole.MAINTAINER
        assert maintainer.user.hashed_password is None
        assert [one.yanked_reason for one in package.releases if one.yanked] == ["broken"]
        titles = session.scalars(select(Note.title).order_by(Note.title)).all()
        assert titles == ["Drops sessions", "Is slow"]
        page = app.test_client().get("/simple/demo-thing/", headers={"Accept": "text/html"})
        assert page.text.count("<a ") == 2

        session.rollback()
        [again] = json.loads(_run(app, import_command, str(exported), "--json").stdout)
        assert (again["added"], again["present"], again["notes"]) == (0, 2, 0)


def test_teams_are_named_and_get_no_part_for_being_called_alike(
    exported: Path, tmp_path: Path, sqlite_databases: SQLiteDatabases
) -> None:
    said = json.loads((exported / "demo-thing/package.json").read_text())
    assert said["teams"] == [{"team": "data", "role": "owner"}]
    with another(tmp_path / "new", sqlite_databases) as (app, session):
        make_team(session)
        done = _run(app, import_command, str(exported), "--json")
        [told] = json.loads(done.stdout)
        assert told["left_out"] == ["that the team data there is its owner"]
        assert list_team_parts(session, session.get_one(Package, "demo-thing")) == []


def test_the_layout_is_plain_files(exported: Path) -> None:
    names = sorted(path.relative_to(exported).as_posix() for path in exported.rglob("*.*"))
    assert [name for name in names if not name.startswith("demo-thing/notes/")] == [
        "demo-thing/events.jsonl",
        "demo-thing/files/demo_thing-1.0-py3-none-any.whl",
        "demo-thing/files/demo_thing-2.0.tar.gz",
        "demo-thing/package.json",
        "packslip-export.json",
    ]
    # A private note is its author's alone.
    assert "My own" not in "".join(path.read_text() for path in exported.rglob("*.md"))
    lines = (exported / "demo-thing/events.jsonl").read_text().splitlines()
    assert {json.loads(line)["package"] for line in lines} == {"demo-thing"}


def test_who_is_called_alike_gets_no_part_in_it(
    exported: Path, tmp_path: Path, sqlite_databases: SQLiteDatabases
) -> None:
    with another(tmp_path / "new", sqlite_databases) as (app, session):
        make_user(session, "ada", email="another@example.com")
        done = _run(app, import_command, str(exported), "--json")
        assert done.exit_code == 1
        [said] = json.loads(done.stdout)
        assert (
            "ada: Somebody else has this name here; --map-user says who it is." in said["problems"]
        )
        assert session.get_one(Package, "demo-thing").maintainers == []
        assert session.scalars(select(User.username)).all() == ["ada", "bob"]


def test_whoever_is_called_alike_gets_no_note_of_somebody_else_unless_it_is_said_who_it_is(
    exported: Path, tmp_path: Path, sqlite_databases: SQLiteDatabases
) -> None:
    with another(tmp_path / "new", sqlite_databases) as (app, session):
        make_user(session, "ada", email="another@example.com")
        make_user(session, "mary")
        _run(app, import_command, str(exported))
        assert session.scalars(select(Note.id)).all() == []
        session.rollback()
        # Trying it keeps nothing.
        mapped = ("--map-user", "ada=mary", "--user", "mary")
        [said] = json.loads(
            _run(app, import_command, str(exported), *mapped, "--dry-run", "--json").stdout
        )
        assert (said["present"], said["notes"]) == (2, 2)
        assert session.scalars(select(Note.id)).all() == []
        session.rollback()
        _run(app, import_command, str(exported), *mapped)
        authors = session.scalars(select(User.username).join(Note, Note.user_id == User.id))
        assert set(authors) == {"mary"}


def test_what_was_broken_off_goes_on_with_the_people_there(
    exported: Path,
    tmp_path: Path,
    sqlite_databases: SQLiteDatabases,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A process that ends at the second file has given the package its people already."""
    publish, calls = taking.publish_file, []

    def once(*arguments: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return publish(*arguments, **options)

    monkeypatch.setattr(taking, "publish_file", once)
    with another(tmp_path / "new", sqlite_databases) as (app, session):
        assert _run(app, import_command, str(exported)).exit_code == 130
        [said] = json.loads(_run(app, import_command, str(exported), "--json").stdout)
        assert (said["added"], said["present"]) == (1, 1)
        package = session.get_one(Package, "demo-thing")
        assert [one.user.username for one in package.maintainers] == ["ada"]
        assert [one.yanked_reason for one in package.releases if one.yanked] == ["broken"]


def test_a_package_that_is_here_keeps_who_looks_after_it(
    exported: Path, tmp_path: Path, sqlite_databases: SQLiteDatabases
) -> None:
    with another(tmp_path / "new", sqlite_databases) as (app, session):
        eve = make_user(session, "eve")
        upload(session, current_storage(), eve, build_wheel(tmp_path / "x", "demo-thing", "0.1"))
        _run(app, import_command, str(exported))
        package = session.get_one(Package, "demo-thing")
        assert [one.user.username for one in package.maintainers] == ["eve"]
        assert sorted(one.version for one in package.releases) == ["0.1", "1.0", "2.0"]
        assert find_user(session, "ada") is not None


def test_bytes_that_are_not_those_exported_are_refused(
    exported: Path, tmp_path: Path, sqlite_databases: SQLiteDatabases
) -> None:
    path = exported / "demo-thing/files/demo_thing-1.0-py3-none-any.whl"
    other = build_wheel(tmp_path / "y", "Demo.Thing", "1.0", summary="another one")
    path.write_bytes(other.read_bytes())
    (exported / "demo-thing/files/demo_thing-2.0.tar.gz").unlink()
    with another(tmp_path / "new", sqlite_databases) as (app, session):
        done = _run(app, import_command, str(exported), "--json")
        [said] = json.loads(done.stdout)
        assert done.exit_code == 1
        assert said["added"] == 0
        assert f"{path.name}: Its bytes are not those that were exported." in said["problems"]
        assert session.scalars(select(File.id)).all() == []
        assert session.get(Package, "demo-thing") is None
        assert not [*(tmp_path / "new/files").rglob("*.whl")]


def test_files_that_are_missing_here_are_told(
    app: Flask, session: Session, exported: Path, tmp_path: Path
) -> None:
    for path in (tmp_path / "files").rglob("other-*.whl"):
        path.unlink()
    done = _run(app, export_command, str(tmp_path / "again"))
    assert done.exit_code == 1
    assert "left out, as its bytes are not here: other-1.0" in done.output
    assert (tmp_path / "again/demo-thing/package.json").exists()
    assert session.scalar(select(Event.id).limit(1)) is not None


@pytest.mark.parametrize("filename", ["../evil.whl", "/etc/passwd", "", "..", "a/b.whl"])
def test_a_document_cannot_lead_out_of_its_folder(tmp_path: Path, filename: str) -> None:
    file = {
        "filename": filename,
        "version": "1",
        "sha256": "0" * 64,
        "size": 1,
        "uploaded_at": MOMENT.isoformat(),
    }
    document = {"name": "demo", "people": [], "files": [file]}
    (tmp_path / "package.json").write_text(json.dumps(document))
    with pytest.raises(InvalidExportError, match="there cannot be"):
        read_package(tmp_path)
