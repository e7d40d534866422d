from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy.orm import Session
from tests.helpers.application import wheel
from tests.helpers.publishing import put

from packslip.fsck.commands import fsck_command
from packslip.storage.local import LocalStorage
from packslip.web.context import current_storage

Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask) -> Run:
    runner = app.test_cli_runner()
    return lambda *arguments: runner.invoke(fsck_command, arguments)


def test_what_is_found_is_told_and_mended_when_it_is_asked_for(
    run: Run, session: Session, tmp_path: Path
) -> None:
    key = put(session, current_storage(), wheel(tmp_path, "demo", "1.0")).file.storage_key
    session.rollback()
    done = run()
    assert (done.exit_code, done.stdout) == (0, "Rows and bytes agree.\n")

    storage = current_storage()
    assert isinstance(storage, LocalStorage)
    assert key is not None
    (storage.folder / key).unlink()
    done = run("--quick")
    assert done.exit_code == 1
    assert "missing: demo-1.0-py3-none-any.whl: its bytes are not in the storage" in done.stderr
    assert done.stdout.startswith("Found: 1 missing.\nNothing was changed")

    done = run("--json")
    finding, summary = map(json.loads, done.stdout.splitlines())
    assert done.exit_code == 1
    assert (finding["kind"], finding["package"], finding["mended"]) == ("missing", "demo", False)
    assert summary["summary"]["found"]["missing"] == 1

    done = run("--repair")
    assert (done.exit_code, done.stdout) == (0, "Found: 1 missing.\nMended: 1 of 1.\n")
    assert "uploading the same file again brings it back" in done.stderr
    assert run("--repair").exit_code == 0
    assert run("--no-such-option").exit_code == 2
