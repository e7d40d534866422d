"""`packslip mirror sync`."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR
from tests.helpers.app import make_app
from tests.helpers.distributions import build_sdist, build_wheel
from tests.helpers.packages import add_file, add_package, add_release
from tests.helpers.upstream import ScriptedUpstream, answer, entry, scripted_upstream

from packslip.db import db, write_transaction
from packslip.mirror.fetches import current_fetches
from packslip.mirror.models import MirrorFile
from packslip.mirror.room import keep_within_limit
from packslip.mirror.rule_operations import add_rule
from packslip.mirror.rules import Kind, Rule
from packslip.notes.about import noted_ranges
from packslip.packages.models import File
from packslip.site.mirror_commands import sync_command
from packslip.web.context import current_storage


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    with scripted_upstream() as upstream:
        yield upstream


@pytest.fixture
def app(tmp_path: Path, database_url: str, upstream: ScriptedUpstream) -> Iterator[Flask]:
    app = make_app(
        tmp_path, database_url, PACKSLIP_UPSTREAM_URL=upstream.simple_url, PACKSLIP_MIRROR_SIZE="1"
    )
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def offer(upstream: ScriptedUpstream, name: str, *paths: Path, sent: bytes | None = None) -> None:
    """Let upstream have these files, and the page of the package; it may send other bytes."""
    entries = []
    for path in paths:
        data = path.read_bytes()
        upstream.script(f"/files/{path.name}", answer(sent or data))
        told: dict[str, Any] = {"hashes": {"sha256": sha256(data).hexdigest()}, "size": len(data)}
        if path.suffix == ".whl":
            metadata = wheel_metadata(path)
            upstream.script(f"/files/{path.name}.metadata", answer(metadata))
            told["core-metadata"] = {"sha256": sha256(metadata).hexdigest()}
        entries.append(entry(path.name, **told))
    upstream.page(name, *entries)


def wheel_metadata(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        [name] = [name for name in archive.namelist() if name.endswith("/METADATA")]
        return archive.read(name)


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(sync_command, arguments)


def sync(app: Flask, *arguments: str, code: int = 0) -> dict[str, Any]:
    result = run(app, "--json", *arguments)
    assert result.exit_code == code, result.output
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def held(session: Session) -> dict[str, bool]:
    """The files whose bytes are here, and whether they are pinned."""
    session.rollback()
    rows = session.execute(
        select(File.filename, File.storage_key, MirrorFile.pinned, MirrorFile.metadata_kept)
        .join(MirrorFile, MirrorFile.file_id == File.id)
        .where(File.storage_key.is_not(None))
    ).all()
    assert all(current_storage().exists(row.storage_key) for row in rows)
    assert all(row.metadata_kept or row.filename.endswith(".tar.gz") for row in rows)
    return {row.filename: row.pinned for row in rows}


def test_all_that_is_required_comes_once_and_stays(
    app: Flask, session: Session, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    offer(
        upstream,
        "app",
        build_wheel(tmp_path, "app", "1.0", requires_dist=["own", "gone; extra == 'x'"]),
        build_wheel(tmp_path, "app", "0.9"),
    )
    # What a source distribution requires it says itself.
    source = build_sdist(
        tmp_path,
        "lib",
        "2.0",
        files={"pyproject.toml": '[build-system]\nrequires = ["backend"]\n'},
        requires_dist=["words"],
    )
    offer(upstream, "lib", source)
    offer(upstream, "backend", build_wheel(tmp_path, "backend", "1"))
    offer(upstream, "words", build_wheel(tmp_path, "words", "1"))
    own = add_package(session, "own")
    metadata = {"name": "own", "requires_dist": ["lib>=2"]}
    add_file(session, add_release(session, own, core_metadata=metadata), "own-1.0-py3-none-any.whl")

    planned = sync(app, "app", "--dry-run")
    assert {one["filename"] for one in planned["fetched"]} == {
        "app-1.0-py3-none-any.whl",
        "lib-2.0.tar.gz",
    }
    assert any("lib 2.0" in notice for notice in planned["notices"])
    assert held(session) == {}

    report = sync(app, "app", "--platform", "any,win_amd64")
    names = {
        "app-1.0-py3-none-any.whl",
        "lib-2.0.tar.gz",
        "backend-1-py3-none-any.whl",
        "words-1-py3-none-any.whl",
    }
    # There is room for one byte: what is pinned stays.
    assert held(session) == dict.fromkeys(names, True)
    assert {one["filename"] for one in report["fetched"]} == names
    assert {one["package"]: one["is_hosted"] for one in report["packages"]} == {
        "app": False, "own": True, "lib": False, "backend": False, "words": False,
    }  # fmt: skip
    assert not any("own" in path or "gone" in path for path in upstream.paths())

    asked = len(upstream.requests)
    again = sync(app, "app")
    assert len(upstream.requests) == asked
    assert again["fetched"] == []
    assert again["held"] == again["wanted"] == report["wanted"]

    assert run(app, "--unpin", "lib").output == "Let go of 1 files of lib.\n"
    keep_within_limit(noted_ranges)
    assert held(session) == dict.fromkeys(names - {"lib-2.0.tar.gz"}, True)


def test_what_does_not_come_is_told_with_reasons(
    app: Flask, session: Session, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    offer(
        upstream, "young", build_wheel(tmp_path, "young", "2"), build_wheel(tmp_path, "young", "1")
    )
    offer(upstream, "wrong", build_wheel(tmp_path, "wrong", "1"), sent=b"other bytes")
    offer(upstream, "fine", build_wheel(tmp_path, "fine", "1", requires_dist=["gone>=1"]))
    with write_transaction(session):
        rule = Rule(kind=Kind.DENY, packages=("young",), version_range=">=2", reason="Too young.")
        add_rule(session, ACTOR, None, rule)
    report = sync(app, "young", "young>=2", "wrong", "fine", "--no-pin", code=1)
    assert {(one["package"], one["what"], *one["by"]) for one in report["missing"]} == {
        ("young", ">=2", "the command line"),
        ("gone", ">=1", "fine 1"),
    }
    assert [(one["package"], one["version"]) for one in report["withheld"]] == [("young", "2")]
    assert "Too young" in report["withheld"][0]["reason"]
    reasons = {one["filename"]: one["reason"] for one in report["failed"]}
    assert "wrong bytes" in reasons["wrong-1-py3-none-any.whl"]
    # What was not pinned went again, as there is no room.
    assert "no room" in reasons["young-1-py3-none-any.whl"]
    # Room is made in the background; this waits for it.
    current_fetches().stop()
    assert held(session) == {}
    # People are told the same.
    told = run(app, "young>=2", "gone").stderr
    assert "missing: gone" in told
    assert "withheld: young 2: " in told


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("a b",),
        ("demo", "--python", "2"),
        ("demo", "--platform", "Linux!"),
        ("demo", "-r", "gone.txt"),
        ("demo", "--unpin", "--dry-run"),
        ("--unpin",),
    ],
)
def test_wrong_usage_is_told_before_anything_is_done(arguments: tuple[str, ...]) -> None:
    assert Flask("nothing").test_cli_runner().invoke(sync_command, arguments).exit_code == 2
