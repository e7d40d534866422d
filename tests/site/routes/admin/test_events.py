"""The audit log on pages."""

from __future__ import annotations

import html
import json
import re

import pytest
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_token, make_user
from tests.helpers.admins import Desk

from packslip.db import write_transaction
from packslip.events.models import Action
from packslip.events.operations import Actor, record

HOSTILE = "<script>alert(1)</script>"


def add_history(session: Session) -> None:
    """Events 1 to 4: grace and bob come, bob has a token, eve fails to log in as bob."""
    bob = make_user(session, "bob")
    make_token(session, bob, name=HOSTILE)
    eve = Actor("not logged in", ip_address="192.0.2.1")
    with write_transaction(session):
        data = {"username": "bob", "through": "form"}
        record(session, eve, Action.USER_LOG_IN_FAIL, subject_id=bob.id, data=data)


def entries(page: str) -> list[str]:
    cells = re.findall(r'<td class="what">(.*?)</td>', page)
    return [html.unescape(cell) for cell in cells]


def exported(desk: Desk, query: str = "") -> list[int]:
    answer = desk.browser.get(f"/admin/events.jsonl{query}")
    assert answer.status_code == 200
    return [json.loads(line)["id"] for line in answer.data.splitlines()]


def test_the_newest_events_come_first_in_words(desk: Desk) -> None:
    add_history(desk.session)
    page = desk.open("/admin/events")
    assert entries(page)[:2] == [
        "failed to log in as bob",
        f"made the token “{HOSTILE}” for bob",
    ]
    assert HOSTILE not in page
    assert "192.0.2.1" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [4, 3, 2, 1]),
        ("?actor=Tester&package=", [3, 2, 1]),
        ("?subject=BOB", [4, 3, 2]),
        ("?subject=bob&action=user.*", [4, 2]),
        ("?action=token.create", [3]),
        ("?address=192.0.2.1", [4]),
        ("?since=2020-01-01&until=2020-12-31", []),
        ("?package=Demo", []),
        ("?actor=%00", []),
    ],
)
def test_events_are_looked_for_on_the_page_and_in_the_export(
    desk: Desk, query: str, found: list[int]
) -> None:
    add_history(desk.session)
    page = desk.open(f"/admin/events{query}")
    assert len(entries(page)) == len(found)
    link = re.search(r'href="(/admin/events\.jsonl[^"]*)"', page)
    assert link is not None
    path = html.unescape(link[1])
    assert exported(desk, path.removeprefix("/admin/events.jsonl")) == found[::-1]


def test_older_events_are_a_page_away_and_keep_the_filter(desk: Desk) -> None:
    with write_transaction(desk.session):
        for number in range(60):
            action = Action.USER_LOG_IN if number % 12 else Action.USER_LOG_OUT
            record(desk.session, Actor("ada"), action)
    page = desk.open("/admin/events?actor=ada&action=user.log-in")
    assert len(entries(page)) == 50
    older = re.search(r'href="([^"#]+)#?[^"]*" rel="next"', page)
    assert older is not None
    page = desk.open(html.unescape(older[1]))
    assert entries(page) == ["logged in"] * 5
    assert "Newest events" in page


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("subject=nobody", "subject"),
        ("subject=%00", "subject"),
        ("action=user.fly", "action"),
        ("address=localhost", "address"),
        ("since=yesterday", "since"),
        ("until=2026-02-30", "until"),
    ],
)
def test_a_faulty_search_is_told_at_its_field(desk: Desk, query: str, field: str) -> None:
    answer = desk.browser.get(f"/admin/events?{query}")
    assert answer.status_code == 400
    assert f'id="{field}-fault"' in answer.text
    assert "<table>" not in answer.text
    assert desk.browser.get(f"/admin/events.jsonl?{query}").status_code == 400


def test_the_export_is_a_file_of_json_lines(desk: Desk) -> None:
    add_history(desk.session)
    answer = desk.browser.get("/admin/events.jsonl")
    assert answer.mimetype == "application/x-ndjson"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="events.jsonl"'
    assert answer.is_streamed
    last = json.loads(answer.data.splitlines()[-1])
    assert last["action"] == "user.log-in-fail"
    assert last["address"] == "192.0.2.1"
    assert last["at"].endswith("Z")
