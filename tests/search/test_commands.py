from __future__ import annotations

import json
from datetime import timedelta

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session
from tests.helpers.search import add_found

from packslip.db import write_transaction
from packslip.search.commands import age, search_command


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(search_command, arguments)


def test_packages_are_printed_line_by_line(app: Flask, session: Session) -> None:
    add_found(session, "Demo", "A demo of apples.")
    add_found(session, "other", "Apples, too.")
    result = run(app, "demo", "apples")
    assert result.stdout == "Demo\t1.0\ttoday\t0\tA demo of apples.\n"
    assert result.stderr == "1 found\n"
    assert run(app, "--sort", "name", "--limit", "1", "--", "apples", "-demo").stdout.startswith(
        "other\t"
    )
    assert run(app, "deom").stderr == "1 found\nDid you mean demo?\n"


def test_json_is_that_of_the_api(app: Flask, session: Session) -> None:
    add_found(session, "demo")
    data = json.loads(run(app, "--json").stdout)
    assert [one["name"] for one in data["results"]] == ["demo"]
    assert data["total"] == 1


def test_the_index_is_made_anew(app: Flask, session: Session) -> None:
    add_found(session, "demo")
    with write_transaction(session):
        session.execute(text("DELETE FROM search_entries"))
    assert run(app, "demo").stderr == "0 found\n"
    result = run(app, "--rebuild")
    assert (result.exit_code, result.stderr) == (0, "1 package is in the index.\n")
    assert run(app, "demo").stderr == "1 found\n"
    assert run(app, "--rebuild", "demo").exit_code == 2


@pytest.mark.parametrize(
    ("since", "told"),
    [
        (timedelta(hours=-1), "today"),
        (timedelta(hours=23), "today"),
        (timedelta(days=1), "1 d"),
        (timedelta(days=29), "29 d"),
        (timedelta(days=30), "1 mo"),
        (timedelta(days=364), "12 mo"),
        (timedelta(days=365), "1 y"),
        (timedelta(days=1000), "2 y"),
    ],
)
def test_an_age_is_told_in_its_largest_unit(since: timedelta, told: str) -> None:
    assert age(since) == told
