from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.distributions import build_wheel
from tests.helpers.documents import make_document, write_document

from packslip.accounts.queries import UnknownUserError
from packslip.packages.importing import commands
from packslip.packages.importing.folder import Importer, import_file
from packslip.packages.importing.report import Item
from packslip.packages.models import Maintainer, Package

Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask) -> Run:
    """Runs `packslip import` within the test's application."""
    runner = app.test_cli_runner()
    return lambda *arguments: runner.invoke(commands.import_command, [str(a) for a in arguments])


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder with three documents."""
    for name in ("a", "b", "c"):
        write_document(tmp_path / "packages", make_document(name))
    return tmp_path / "packages"


def count_packages(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Package)) or 0


def test_the_summary_counts_and_reasons_are_named(
    run: Run, session: Session, packages: Path
) -> None:
    (packages / "empty.json").touch()
    result = run(packages)
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [f"skipped: {packages / 'empty.json'}: not JSON"]
    assert result.stdout.splitlines() == [
        "looked at: 3 added, 1 skipped",
        "packages: 3 added",
        "releases: 3 added",
        "files: 3 added",
        "users: none",
        "maintainers: none",
        "licences: none",
        "languages: none",
        "skipped 1: not JSON",
    ]
    assert "looked at: 3 already there, 1 skipped" in run(packages).stdout
    assert count_packages(session) == 3


def test_json_has_a_line_per_file_and_the_summary_last(run: Run, packages: Path) -> None:
    result = run(packages, "--json")
    *items, last = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(item["package"], item["outcome"]) for item in items] == [
        ("a", "added"),
        ("b", "added"),
        ("c", "added"),
    ]
    summary = last["summary"]
    assert (summary["dry_run"], summary["interrupted"]) == (False, False)
    assert summary["packages"] == {"added": 3, "changed": 0, "present": 0}
    assert result.stderr == ""


def test_a_single_file_can_be_imported(run: Run, session: Session, packages: Path) -> None:
    assert run(packages / "a.json").exit_code == 0
    assert count_packages(session) == 1


def test_a_failure_is_exit_code_1_and_the_rest_is_imported(
    run: Run, session: Session, packages: Path
) -> None:
    (packages / "broken-1.0-py3-none-any.whl").write_bytes(b"no archive")
    result = run(packages)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"failed: {packages / 'broken-1.0-py3-none-any.whl'}: ")
    assert count_packages(session) == 3


def test_wrong_usage_is_exit_code_2(run: Run, packages: Path) -> None:
    assert run(packages / "missing").exit_code == 2
    assert run().exit_code == 2


def test_an_unknown_owner_is_refused_before_anything_is_done(
    run: Run, session: Session, packages: Path
) -> None:
    assert isinstance(run(packages, "--owner", "ada").exception, UnknownUserError)
    assert count_packages(session) == 0


def test_the_owner_is_given(run: Run, session: Session, packages: Path) -> None:
    make_user(session, "ada")
    build_wheel(packages, "d", "1.0")
    run(packages, "--owner", "Ada")
    owned = session.scalars(select(Maintainer.package_id).order_by(Maintainer.package_id)).all()
    assert owned == ["a", "b", "c", "d"]


def test_a_dry_run_says_that_it_was_one(run: Run, session: Session, packages: Path) -> None:
    result = run(packages, "--dry-run")
    assert result.exit_code == 0
    assert "Nothing was stored" in result.stdout
    assert "packages: 3 added" in result.stdout
    assert count_packages(session) == 0


def test_ctrl_c_finishes_the_file_under_way(
    run: Run, session: Session, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(importer: Importer, path: Path) -> Item:
        os.kill(os.getpid(), signal.SIGINT)
        return import_file(importer, path)

    monkeypatch.setattr(commands, "import_file", interrupted)
    before = signal.getsignal(signal.SIGINT)
    result = run(packages)
    assert result.exit_code == 130
    assert result.stdout.startswith("looked at: 1 added\n")
    assert result.stderr == "packslip: interrupted; the same command goes on from here\n"
    assert count_packages(session) == 1
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_twice_rolls_the_file_under_way_back(
    run: Run, session: Session, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*args: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr("packslip.packages.importing.operations.add_people", interrupt)
        result = run(packages)
    assert result.exit_code == 130
    assert result.stdout.startswith("looked at: none\n")
    assert count_packages(session) == 0
    assert run(packages).exit_code == 0
    assert count_packages(session) == 3


def test_names_cannot_drive_the_terminal(run: Run, tmp_path: Path) -> None:
    (tmp_path / "evil\x1b[2J.txt").touch()
    result = run(tmp_path / "evil\x1b[2J.txt")
    assert "\x1b" not in result.stderr
    assert "evil [2J.txt" in result.stderr
