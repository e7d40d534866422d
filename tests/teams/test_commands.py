"""The command `packslip team`."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.packages import add_releases
from tests.helpers.teams import make_team

from packslip.teams import commands
from packslip.teams.giving import OwnerlessError
from packslip.teams.queries import UnknownTeamError, list_teams

Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask) -> Run:
    """Runs `packslip team` within the test's application."""
    runner = app.test_cli_runner()

    def run(*arguments: str, stdin: str = "") -> Result:
        return runner.invoke(commands.team_commands, arguments, input=stdin)

    return run


def test_a_team_is_made_filled_shown_and_removed(session: Session, run: Run) -> None:
    add_releases(session, "demo", owner=make_user(session))
    for arguments, told in (
        (("create", "Data", "--description", "The lake."), "The team data is there."),
        (("describe", "data", "Lakes."), "The team data is described anew."),
        (("add", "data", "ada"), "ada is member of the team data."),
        (("add", "data", "ada", "--role", "manager"), "ada is manager of the team data."),
        (("grant", "data", "--package", "Demo"), "The team data is maintainer of demo."),
        (
            ("grant", "data", "--prefix", "acme-*", "--role", "owner"),
            "The team data is owner of all packages under acme.",
        ),
    ):
        done = run(*arguments)
        assert (done.exit_code, done.output) == (0, f"{told}\n")
    assert json.loads(run("show", "data", "--json").output) == {
        "name": "data",
        "description": "Lakes.",
        "members": [{"username": "ada", "role": "manager", "by_groups": False}],
        "packages": [{"package": "demo", "role": "maintainer"}],
        "prefixes": [{"prefix": "acme", "role": "owner"}],
    }
    assert run("show", "DATA").output.splitlines() == [
        "data",
        "Lakes.",
        "member\tada\tmanager",
        "package\tdemo\tmaintainer",
        "prefix\tacme\towner",
    ]
    assert run("list").output == "data\t1\t1\t1\n"
    (listed,) = json.loads(run("list", "--json").output)
    assert listed["members"] == 1
    for arguments, told in (
        (("remove", "data", "ada"), "ada is no longer in the team data."),
        (("revoke", "data", "--package", "demo"), "The team data no longer looks after demo."),
        (
            ("revoke", "data", "--prefix", "acme"),
            "The team data no longer looks after all packages under acme.",
        ),
        (("delete", "data", "--yes"), "The team data is removed."),
    ):
        done = run(*arguments)
        assert (done.exit_code, done.output) == (0, f"{told}\n")
    session.rollback()
    assert list_teams(session) == []


@pytest.mark.parametrize("given", [(), ("--package", "demo", "--prefix", "acme")])
@pytest.mark.parametrize("command", ["grant", "revoke"])
def test_either_a_package_or_a_prefix_is_given(
    session: Session, run: Run, command: str, given: tuple[str, ...]
) -> None:
    make_team(session)
    done = run(command, "data", *given)
    assert done.exit_code == 2
    assert "either a --package or a --prefix" in done.output


def test_nothing_is_removed_where_nobody_can_be_asked(session: Session, run: Run) -> None:
    make_team(session)
    assert run("delete", "data").exit_code == 2
    session.rollback()
    assert len(list_teams(session)) == 1


def test_somebody_at_a_terminal_is_asked(
    session: Session, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_team(session)
    monkeypatch.setattr(commands, "is_interactive", lambda: True)
    assert run("delete", "data", stdin="n\n").exit_code == 1
    assert run("delete", "data", stdin="y\n").exit_code == 0


def test_refusals_say_why(session: Session, run: Run) -> None:
    add_releases(session, "demo")
    make_team(session, packages={"demo": "owner"})
    assert isinstance(run("show", "other").exception, UnknownTeamError)
    assert isinstance(run("delete", "data", "--yes").exception, OwnerlessError)
