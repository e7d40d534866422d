import json
import re
from collections.abc import Callable

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.notes import yank
from tests.helpers.packages import add_releases

from packslip.db import write_transaction
from packslip.errors import NotFoundError
from packslip.events.models import Event
from packslip.packages import commands, queries
from packslip.packages.models import Package
from packslip.packages.operations import LastOwnerError
from packslip.web.context import current_storage

Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask) -> Run:
    """Runs `packslip package` within the test's application."""
    runner = app.test_cli_runner()

    def run(*arguments: str, stdin: str = "") -> Result:
        return runner.invoke(commands.package_commands, arguments, input=stdin)

    return run


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody sits at standard input."""
    monkeypatch.setattr(commands, "is_interactive", lambda: True)


def add_stored(session: Session) -> tuple[Package, list[str]]:
    """A package whose files have bytes in the storage, and their keys."""
    releases = {"1.0": ["a-1.0.tar.gz", "a-1.0.zip"], "2.0": ["a-2.0.tar.gz"]}
    package = add_releases(session, "A", releases, owner=make_user(session, "ada"))
    keys = [file.storage_key or "" for release in package.releases for file in release.files]
    for key in keys:
        current_storage().put_bytes(key, b"bytes")
    return package, keys


def held(keys: list[str]) -> list[str]:
    return sorted(key.rpartition("/")[2] for key in keys if current_storage().exists(key))


def test_packages_are_listed(run: Run, session: Session) -> None:
    add_stored(session)
    add_releases(session, "b")
    assert run("list").stdout.splitlines() == ["A\t2.0\t2\t3\t3702\tactive", "b\t\t0\t0\t0\tactive"]
    first, second = json.loads(run("list", "--json").stdout)
    assert (first["id"], first["latest"], first["release_count"]) == ("a", "2.0", 2)
    assert (first["file_count"], first["size"]) == (3, 3702)
    assert (second["id"], second["latest"]) == ("b", None)


def test_a_package_is_shown_with_its_files(run: Run, session: Session) -> None:
    package, _ = add_stored(session)
    with write_transaction(session):
        yank(session, queries.get_release(session, package, "1.0"), "drops sessions")
    lines = run("show", "A").stdout.splitlines()
    assert lines == [
        "A",
        "Maintainers: ada (owner)",
        "2.0\t\ta-2.0.tar.gz\t1234",
        "1.0\tdrops sessions (note 1)\ta-1.0.tar.gz\t1234",
        "1.0\tdrops sessions (note 1)\ta-1.0.zip\t1234",
    ]
    data = json.loads(run("show", "a", "--json").stdout)
    assert data["maintainers"] == [{"username": "ada", "role": "owner"}]
    new, old = data["releases"]
    assert (new["version"], new["yanked"], new["yanked_reason"]) == ("2.0", False, None)
    assert (old["version"], old["yanked"], old["held_reason"]) == ("1.0", True, None)
    assert old["yanked_reason"] == "drops sessions (note 1)"
    assert [file["filename"] for file in old["files"]] == ["a-1.0.tar.gz", "a-1.0.zip"]
    assert old["files"][0]["held"] is True


def test_a_release_without_files_is_shown_too(run: Run, session: Session) -> None:
    add_releases(session, "a", {"1.0": []})
    assert "1.0" in run("show", "a").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "b"),
        ("remove", "b", "--yes"),
        ("remove", "b"),
        ("remove", "a", "3.0", "--yes"),
        ("remove", "a", "--file", "b-1.0.tar.gz", "--yes"),
        ("remove", "a", "2.0", "--file", "a-1.0.tar.gz", "--yes"),
        ("maintainers", "list", "b"),
        ("maintainers", "add", "a", "nobody"),
        ("maintainers", "remove", "a", "nobody"),
    ],
)
def test_what_is_not_there_is_told(run: Run, session: Session, arguments: tuple[str, ...]) -> None:
    _, keys = add_stored(session)
    assert isinstance(run(*arguments).exception, NotFoundError)
    assert len(held(keys)) == 3


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        (("a",), []),
        (("a", "1.0"), ["a-2.0.tar.gz"]),
        (("a", "2"), ["a-1.0.tar.gz", "a-1.0.zip"]),
        (("a", "--file", "a-1.0.zip"), ["a-1.0.tar.gz", "a-2.0.tar.gz"]),
        (("a", "1.0", "--file", "a-1.0.zip"), ["a-1.0.tar.gz", "a-2.0.tar.gz"]),
    ],
)
def test_what_is_removed_goes_with_its_bytes(
    run: Run, session: Session, arguments: tuple[str, ...], left: list[str]
) -> None:
    _, keys = add_stored(session)
    result = run("remove", *arguments, "--yes")
    assert result.exit_code == 0
    assert held(keys) == left
    session.expire_all()
    rows = [file for p in queries.list_packages(session) for r in p.releases for file in r.files]
    assert sorted(file.filename for file in rows) == left


def test_bytes_stay_when_the_removal_cannot_be_committed(
    run: Run, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, keys = add_stored(session)

    def fail(*arguments: object) -> None:
        raise RuntimeError("the commit fails")

    monkeypatch.setattr(type(session), "commit", fail)
    assert isinstance(run("remove", "a", "--yes").exception, RuntimeError)
    assert len(held(keys)) == 3


def test_nobody_to_ask_is_wrong_usage_in_one_line(run: Run, session: Session) -> None:
    _, keys = add_stored(session)
    result = run("remove", "a", stdin="y\n")
    assert (result.exit_code, result.stdout) == (2, "")
    assert re.fullmatch(r"Error: .*--yes.*\n", result.stderr)
    assert len(held(keys)) == 3


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(("answer", "left", "status"), [("n", 3, 1), ("", 3, 1), ("y", 1, 0)])
def test_a_person_is_asked(run: Run, session: Session, answer: str, left: int, status: int) -> None:
    _, keys = add_stored(session)
    result = run("remove", "a", "1.0", stdin=f"{answer}\n")
    assert "Remove a 1.0 for good?" in result.output
    assert (result.exit_code, len(held(keys))) == (status, left)


def test_maintainers_come_and_go(run: Run, session: Session) -> None:
    package, _ = add_stored(session)
    make_user(session, "bob")
    assert run("maintainers", "add", "a", "Bob").stdout == "bob is maintainer of A.\n"
    assert run("maintainers", "list", "a").stdout == "ada\towner\nbob\tmaintainer\n"
    assert run("maintainers", "add", "a", "bob", "--role", "owner").exit_code == 0
    assert run("maintainers", "remove", "a", "ada").exit_code == 0
    listed = json.loads(run("maintainers", "list", "a", "--json").stdout)
    assert listed == [{"username": "bob", "role": "owner", "invited_as": None}]
    assert isinstance(run("maintainers", "remove", "a", "bob").exception, LastOwnerError)
    with write_transaction(session):
        assert package.serial == session.scalars(select(Event.id).order_by(Event.id)).all()[-1]


def test_people_are_invited(run: Run, session: Session) -> None:
    add_stored(session)
    make_user(session, "bob")
    assert run("invite", "a", "Bob").stdout == "bob is invited to become maintainer of A.\n"
    run("invite", "a", "bob", "--role", "owner")
    assert run("maintainers", "list", "a").stdout == "ada\towner\nbob\tinvited as owner\n"
    listed = json.loads(run("maintainers", "list", "a", "--json").stdout)
    assert listed[1] == {"username": "bob", "role": None, "invited_as": "owner"}
    done = run("withdraw", "a", "bob").stdout
    assert done == "The invitation of bob to A is withdrawn.\n"
    assert isinstance(run("withdraw", "a", "bob").exception, NotFoundError)
