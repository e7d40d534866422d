"""`packslip event`."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_token, make_user

from packslip.cli import packslip
from packslip.db import write_transaction
from packslip.errors import InvalidError
from packslip.events.models import Action
from packslip.events.operations import Actor, record

Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask) -> Run:
    runner = app.test_cli_runner()
    return lambda *arguments: runner.invoke(packslip.commands["event"], arguments)


def test_the_newest_events_are_listed(run: Run, session: Session) -> None:
    user = make_user(session)
    make_token(session, user)
    done = run("list", "--limit", "1")
    assert len(done.output.splitlines()) == 1
    assert "token.create" in done.output
    told = json.loads(run("list", "--action", "user.*", "--actor", "TESTER", "--json").output)
    assert [event["action"] for event in told] == ["user.create"]


def test_events_are_exported_as_json_lines(run: Run, session: Session) -> None:
    actor = Actor("ada", user_id=7, token_id=8, ip_address="192.0.2.1")
    with write_transaction(session):
        record(session, Actor.command(), Action.SITE_SET_UP)
        event = record(
            session,
            actor,
            Action.RELEASE_YANK,
            package_id="demo",
            subject_id=9,
            data={"version": "1.0", "after": {"reason": "a\nb"}},
        )
        at = event.created_at
    first, second = run("export").stdout_bytes.splitlines()
    assert json.loads(first)["action"] == "site.set-up"
    assert json.loads(second) == {
        "id": 2,
        "at": at.isoformat().replace("+00:00", "Z"),
        "action": "release.yank",
        "actor": {"id": 7, "name": "ada"},
        "subject_id": 9,
        "token_id": 8,
        "package": "demo",
        "address": "192.0.2.1",
        "data": {"version": "1.0", "after": {"reason": "a\nb"}},
    }
    assert run("export", "--package", "Demo").stdout_bytes == second + b"\n"


@pytest.mark.parametrize("command", ["list", "export"])
def test_a_faulty_filter_is_told(run: Run, command: str) -> None:
    assert isinstance(run(command, "--action", "user.fly").exception, InvalidError)
    assert isinstance(run(command, "--since", "yesterday").exception, InvalidError)
