"""An export of a real devpi-server, which `make_devpi_export.py` makes."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user

from packslip.accounts.models import User
from packslip.errors import InvalidError
from packslip.exchange.devpi import DevpiSource
from packslip.exchange.import_commands import import_command
from packslip.exchange.sources import Offered
from packslip.packages.models import File, Package
from packslip.packages.queries import get_package

EXPORT = Path(__file__).parent / "data/devpi-export"


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(import_command, [str(EXPORT), *arguments])


def test_all_indexes_become_one_with_files_people_and_times(app: Flask, session: Session) -> None:
    tried = run(app, "--dry-run", "--json")
    assert [one["added"] for one in json.loads(tried.stdout)] == [3, 1, 0, 1]
    assert session.scalars(select(Package.id)).all() == []
    assert session.scalars(select(User.username)).all() == []
    session.rollback()

    done = run(app, "--json")
    assert done.exit_code == 0, done.output
    demo, other, planned, shared = json.loads(done.stdout)
    assert [one["added"] for one in (demo, other, planned, shared)] == [3, 1, 0, 1]
    assert done.stderr.splitlines()[:3] == [
        "left out: root/upstream: a mirror; PACKSLIP_UPSTREAM_URL says what is mirrored here",
        "left out: root: nobody's account; --map-user root=USER says whose it shall be",
        "left out: ada/dev: that :developers may upload, who are no people",
    ]
    kinds = [text.rpartition(": ")[2] for text in demo["left_out"]]
    assert kinds == [
        "neither a wheel nor a .tar.gz or .zip",
        "results of tests, which is not kept here",
        "documentation, which is not kept here",
    ]
    [twice] = other["left_out"]
    assert twice.startswith("ada/dev/other/2.0/other-2.0-py3-none-any.whl: another index has other")
    assert planned["left_out"] == ["ada/prod planned 0.1: a release without a file"]

    package = get_package(session, "demo-thing")  # type: ignore[arg-type]
    assert package.name == "Demo.Thing"
    assert {one.user.username: str(one.role) for one in package.maintainers} == {
        "ada": "owner",
        "bob": "maintainer",
    }
    assert all(one.user.hashed_password is None for one in package.maintainers)
    source = session.scalars(select(File).where(File.filename == "demo_thing-1.0.tar.gz")).one()
    assert source.uploader is not None
    assert source.uploader.username == "bob"
    assert source.uploaded_at.replace(second=0) == datetime(2026, 11, 23, 18, 1, tzinfo=UTC)
    # Of two files of one name the one of the index that takes no file twice.
    [release] = get_package(session, "other").releases  # type: ignore[arg-type]
    assert release.core_metadata["summary"] == "as in ada/prod"

    session.rollback()
    again = json.loads(run(app, "--json").stdout)
    assert [(one["added"], one["present"]) for one in again] == [(0, 3), (0, 1), (0, 0), (0, 1)]


def test_indexes_and_people_can_be_chosen(app: Flask, session: Session) -> None:
    make_user(session, "mary")
    chosen = ("--index", "root/shared", "--map-user", "root=mary", "--map-user", "bob=mary")
    done = run(app, *chosen)
    assert done.exit_code == 0, done.output
    assert "ada/prod: not among the indexes that were asked for" in done.output
    assert session.scalars(select(Package.id)).all() == ["shared"]
    [maintainer] = get_package(session, "shared").maintainers  # type: ignore[arg-type]
    assert (maintainer.user.username, maintainer.role) == ("mary", "owner")
    unknown = run(app, "--index", "ada/nothing")
    assert isinstance(unknown.exception, InvalidError)


def changed(folder: Path, **changes: Any) -> DevpiSource:
    """The export with something else said of the first file of ada/prod."""
    shutil.copytree(EXPORT, folder)
    document = json.loads((folder / "dataindex.json").read_text())
    document["indexes"] = {"ada/prod": document["indexes"]["ada/prod"]}
    document["indexes"]["ada/prod"]["files"][0].update(changes)
    (folder / "dataindex.json").write_text(json.dumps(document))
    return DevpiSource(folder)


def read(source: DevpiSource, name: str) -> Offered:
    with source.read(name) as offered:
        return offered


@pytest.mark.parametrize("path", ["../outside-1.0.tar.gz", "/etc/hosts.tar.gz", "link-1.0.tar.gz"])
def test_a_document_leads_nowhere_out_of_its_folder(tmp_path: Path, path: str) -> None:
    (tmp_path / "outside-1.0.tar.gz").touch()
    source = changed(tmp_path / "export", relpath=path)
    (tmp_path / "export/link-1.0.tar.gz").symlink_to(tmp_path / "outside-1.0.tar.gz")
    offered = read(source, "other")
    assert offered.record.files == []
    assert f"{path}: it is not in the export" in offered.left_out


def test_exports_of_old_know_files_by_their_md5(tmp_path: Path) -> None:
    """Their digest is worked out, and is that of no file where the MD5 is another one."""
    sha256 = read(DevpiSource(EXPORT), "other").record.files[0].sha256
    for number, (md5, expected) in enumerate([("06ff41", "0" * 64), (None, sha256)]):
        source = changed(tmp_path / str(number), entrymapping={"md5": md5}, log=[])
        [file] = read(source, "other").record.files
        assert file.sha256 == expected
        assert file.uploader is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{}", "not as devpi writes it"),
        ('{"dumpversion": "3", "users": {}, "indexes": {}}', "format 3 is not known"),
        ("[" * 100_000, "not as devpi writes it"),
    ],
)
def test_what_devpi_did_not_write_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "dataindex.json").write_text(text)
    with pytest.raises(InvalidError, match=reason):
        DevpiSource(tmp_path)
