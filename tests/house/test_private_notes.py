"""Somebody else's private note: every address answers as if there were none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from tests.helpers.accounts import make_user
from tests.helpers.app import make_app
from tests.helpers.browsing import Browser, csrf_token_of
from tests.helpers.databases import SQLiteDatabases
from tests.helpers.notes import make_note
from tests.helpers.schema import fill
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from packslip.accounts.models import Role, User
from packslip.db import db, write_transaction
from packslip.notes.models import Note
from packslip.notes.operations import set_flags

SECRET = "xyzzy"

PARTS = {"version": "1.0", "username": "ada", "first": "aa", "second": "aa", "rest": "a" * 60}

QUERIES = ("", f"?q={SECRET}", f"?tag={SECRET}&show=team", "?package=demo&format=csv")

SEARCHED = ("/notes/", "/search/", "/api/v1/notes", "/api/v1/search", "/notes/log")

#: Where admins, and people who are not logged in, may see something else than a member.
MORE = ("/admin/", "/notes/", "/api/", "/project/<name>/settings")
ONLY = ("/notes/", "/api/", "/rss/", "/osv/", "/project/<name>/notes", "/stats")

#: What differs from answer to answer, and says nothing of notes.
_NOISE = re.compile(
    r'value="[^"]{60,}"|[0-9a-f]{16}\b|\d\d:\d\d(:\d\d)?(\.\d+)?|\d+ (milli)?seconds?|"request_id"'
)
_HEADERS = {"X-Request-ID", "Set-Cookie", "Date", "ETag", "Last-Modified", "Content-Length"}

#: Addresses whose answers differ each time: of the last, the counts of the requests themselves.
UNLIKE = ("/static", "/account/log", "/metrics")


def seen(answer: TestResponse, note_id: int) -> tuple[object, ...]:
    """What somebody sees of an answer, but what would be another thing the next time."""
    text = _NOISE.sub("", answer.get_data(as_text=True)).replace(str(note_id), "N")
    headers = {n: _NOISE.sub("", v) for n, v in answer.headers if n not in _HEADERS}
    answer.close()
    return answer.status_code, text, headers


def paths_of(app: Flask, rule: Rule, note_id: int, method: str) -> str:
    values = {
        part: 1 if type(converter).__name__ == "IntegerConverter" else PARTS.get(part, "demo")
        for part, converter in rule._converters.items()
    }
    if "note_id" in values:
        values["note_id"] = note_id
    if "id" in values:
        values["id"] = f"PACKSLIP-{note_id}"
    return app.url_map.bind("localhost").build(rule.endpoint, values, method=method)


@pytest.fixture
def app(tmp_path: Path, sqlite_databases: SQLiteDatabases) -> Flask:
    app = make_app(tmp_path, sqlite_databases.create(tmp_path))
    app.config["PROPAGATE_EXCEPTIONS"] = False
    with app.app_context():
        fill(db.session())
    return app


@pytest.mark.parametrize("role", [Role.MEMBER, Role.ADMIN])
def test_writing_a_private_note_changes_no_answer_to_anybody_else(app: Flask, role: Role) -> None:
    browser, nobody, author = Browser(app), Browser(app), Browser(app)
    with app.app_context():
        eve = make_user(db.session(), "eve", role=role)
        ada = db.session().query(User).filter_by(username="ada").one()
        note_id = max(db.session().scalars(db.select(Note.id))) + 1
        browser.log_in_as(eve.id)
        author.log_in_as(ada.id)
    asked = [
        (who, paths_of(app, rule, note_id, "GET") + query)
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.rule.startswith(UNLIKE)
        for who in (browser, nobody)
        # Admins see more of some addresses, and nobody less of all that are for members.
        if rule.rule.startswith(MORE if role is Role.ADMIN else ONLY if who is nobody else "/")
        for query in (QUERIES if rule.rule in SEARCHED and who is browser else QUERIES[:1])
    ]
    before = {(who, path): seen(who.get(path), note_id) for who, path in asked}
    with app.app_context():
        ada = db.session().query(User).filter_by(username="ada").one()
        note = make_note(
            db.session(), ada, SECRET, body=f"{SECRET} #{SECRET} [[demo]] @eve", package="demo"
        )
        assert note.id == note_id
        with write_transaction(db.session()) as session:
            set_flags(session, ada, note, pinned=True)
    for (who, path), known in before.items():
        assert seen(who.get(path), note_id) == known, path
    # Or this would show nothing.
    assert SECRET in author.get("/notes/").text
    assert SECRET in author.get("/project/demo/notes/").text


def test_no_address_changes_or_tells_of_the_note_of_somebody_else(app: Flask) -> None:
    browser = Browser(app)
    with app.app_context():
        session = db.session()
        ada = session.query(User).filter_by(username="ada").one()
        note = make_note(session, ada, SECRET, body=SECRET, package="demo")
        note_id, edition = note.id, note.edition
        browser.log_in_as(make_user(session, "eve", role=Role.ADMIN).id)
    token, tried = csrf_token_of(browser.get("/notes/new").text), 0
    for rule in app.url_map.iter_rules():
        if "note_id" not in rule.arguments:
            continue
        for method in sorted((rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}):
            tried += 1
            answers = []
            for number in (note_id, 4242):
                with app.app_context():
                    answer = browser.client.open(
                        paths_of(app, rule, number, method),
                        method=method,
                        headers={"X-CSRFToken": token, "If-Match": "*"},
                        **(
                            {"json": {"body": "mine"}}
                            if rule.rule.startswith("/api/")
                            else {"data": {"csrf_token": token, "body": "mine", "title": "mine"}}
                        ),
                    )
                answers.append(seen(answer, number))
            assert answers[0] == answers[1], (method, rule.rule)
            assert answers[0][0] == 404, (method, rule.rule, answers[0])
    assert tried > 15
    with app.app_context():
        found = db.session().get_one(Note, note_id)
        assert (found.title, found.edition, found.deleted_at) == (SECRET, edition, None)
