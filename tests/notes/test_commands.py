"""`packslip note`, and the yanks of `packslip package`."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.packages import add_releases

from packslip.cli import packslip
from packslip.errors import InvalidError, NotFoundError
from packslip.events.models import Event
from packslip.notes.errors import UnknownNoteError
from packslip.notes.models import Note
from packslip.packages.models import Release

Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask, session: Session) -> Run:
    """Runs a command of `packslip` within the test's application."""
    runner = app.test_cli_runner()
    add_releases(session, "Demo", {"1.0": []}, owner=make_user(session, "ada"))

    def run(*arguments: str, stdin: str = "") -> Result:
        group = packslip.commands[arguments[0]]
        return runner.invoke(group, arguments[1:], input=stdin)

    return run


def test_a_release_is_yanked_and_unyanked(run: Run, session: Session) -> None:
    make_user(session, "bob")
    result = run("package", "yank", "demo", "1", "--reason", "drops sessions", "--user", "bob")
    assert (result.exit_code, result.stdout) == (0, "Yanked Demo 1.0 by note 1.\n")
    release = session.scalars(select(Release)).one()
    assert (release.yanked, release.yanked_reason) == (True, "drops sessions (note 1)")
    assert session.scalars(select(Note)).one().author.username == "bob"
    event = session.scalars(select(Event).where(Event.action == "act.begin")).one()
    assert (event.actor_name, event.actor_id) == ("command line", None)
    assert run("package", "unyank", "demo", "1.0.0").stdout == "Demo 1.0 is not yanked.\n"
    session.expire_all()
    assert not release.yanked
    for arguments in (("yank", "b", "1.0"), ("yank", "demo", "3.0"), ("unyank", "demo", "3.0")):
        assert isinstance(run("package", *arguments).exception, NotFoundError)
    refused = run("package", "yank", "demo", "1.0", "--reason", "a\nb")
    assert isinstance(refused.exception, InvalidError)


def test_notes_are_added_shown_and_lifted(run: Run) -> None:
    private = run("note", "add", "--user", "ada", "--title", "Mine", "--body", "-", stdin="Text.")
    assert private.stdout == "1\n"
    acting = ("--package", "demo", "--versions", "1.0", "--act", "hold")
    assert run("note", "add", "--user", "ada", "--title", "Bad", *acting).stdout == "2\n"
    for arguments in (("show", "1"), ("lift", "1"), ("show", "7"), ("show", "1", "--user", "bob")):
        assert isinstance(run("note", *arguments).exception, NotFoundError)
    assert run("note", "show", "1", "--user", "ada").stdout == (
        "Mine\nby ada, private, edition 1\n\nText.\n"
    )
    assert "on demo ==1.0\nact: hold\n" in run("note", "show", "2").stdout
    assert run("note", "lift", "2").stdout == "Lifted note 2.\n"
    shown = json.loads(run("note", "show", "2", "--json").stdout)
    assert (shown["act"], shown["is_acting"], shown["visibility"]) == ("hold", False, "team")
    assert isinstance(run("note", "lift", "2").exception, InvalidError)
    assert isinstance(run("note", "show", str(2**70)).exception, UnknownNoteError)
