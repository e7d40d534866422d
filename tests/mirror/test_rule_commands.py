"""`packslip mirror rule`, `exception` and `explain`."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy.orm import Session
from tests.helpers.mirrored import add_mirrored_file
from tests.helpers.packages import add_package, add_release

from packslip.mirror.commands import mirror_commands

Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask, session: Session) -> Run:
    runner = app.test_cli_runner()
    package = add_package(session, "demo", origin="mirrored")
    for version, wheel in (("1.0", "py3-none-any"), ("2.0", "cp313-cp313-win_amd64")):
        release = add_release(session, package, version)
        at = datetime.now(UTC) if version == "2.0" else datetime(2024, 1, 1, tzinfo=UTC)
        for filename in (f"demo-{version}.tar.gz", f"demo-{version}-{wheel}.whl"):
            add_mirrored_file(session, release, filename, at)
    return lambda *arguments: runner.invoke(mirror_commands, arguments)


def test_rules_are_made_explained_and_removed(run: Run) -> None:
    assert "no rule is against it" in run("explain", "Demo").stdout
    assert run("rule", "add", "cooldown", "--days", "7").stdout == "1\n"
    deny = ("rule", "add", "deny", "--package", "de*", "--type", "sdist", "--versions", "<2")
    assert run(*deny, "--reason", "No builds").stdout == "2\n"
    told = json.loads(run("explain", "demo", "--json").stdout)["verdicts"]
    assert [(one["version"], one["filename"], one["rule_id"]) for one in told] == [
        ("2.0", None, 1),
        ("1.0", "demo-1.0-py3-none-any.whl", None),
        ("1.0", "demo-1.0.tar.gz", 2),
    ]
    assert told[2]["text"] == "Refused by a rule of this index (No builds): demo 1.0"
    assert told[0]["text"].startswith("Withheld until 20")
    assert run("exception", "add", "demo", "--versions", "==2", "--days", "3").stdout == "3\n"
    (lifted,) = json.loads(run("explain", "demo", "2", "--json").stdout)["verdicts"]
    assert (lifted["is_allowed"], lifted["rule_id"]) == (True, 3)
    kinds = [one["kind"] for one in json.loads(run("rule", "list", "--json").stdout)]
    assert kinds == ["cooldown", "deny"]
    assert "in force" in run("exception", "list").stdout
    assert "Removed: Refuse source distributions of de* <2." in run("rule", "remove", "2").stdout
    assert run("rule", "remove", "3").exception is not None
    assert run("exception", "remove", "3").exit_code == 0


def test_of_an_unknown_package_the_rules_of_its_name_are_told(run: Run) -> None:
    run("rule", "add", "deny", "--package", "evil-*")
    run("rule", "add", "freeze", "--not-after", "2026-11-01")
    known = run("explain", "Evil_X")
    assert "Refuse files of evil-*." in known.stdout
    assert "that came after 2026-11-01 00:00 UTC" in known.stdout
    assert "evil-x is not known here as mirrored." in known.stderr
