"""`/api/v1/notes` for tools."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_token, make_user
from tests.helpers.browsing import Browser, csrf_token_of
from tests.helpers.notes import make_note
from tests.helpers.packages import add_releases
from werkzeug.test import TestResponse

from packslip.accounts.models import Scope, User
from packslip.notes.models import Note, Visibility
from packslip.packages.models import Act, Release


class Caller:
    """Sends requests with a token of a user."""

    def __init__(self, app: Flask, session: Session, user: User, **token: Any) -> None:
        token.setdefault("scope", Scope.NOTES)
        _, secret = make_token(session, user, **token)
        self._session = session
        self._client = FlaskClient(app)
        self._header = {"Authorization": f"Bearer {secret}"}

    def __call__(
        self, method: str, path: str = "", json: Any = None, **headers: str
    ) -> TestResponse:
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self._client.open(
            f"/api/v1/notes{path}", method=method, json=json, headers=self._header | headers
        )
        self._session.rollback()
        return answer


def titles(answer: TestResponse) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["title"] for one in answer.get_json()["notes"]]


def test_a_note_is_written_read_changed_deleted_and_taken_back(
    app: Flask, session: Session
) -> None:
    ada = Caller(app, session, make_user(session))
    created = ada("POST", json={"title": "Why", "body": "Because of #reasons."})
    assert (created.status_code, created.location) == (201, "/api/v1/notes/1")
    note = created.get_json()
    assert note["tags"] == ["reasons"]
    assert (note["edition"], note["visibility"], note["url"]) == (
        1, "private", "http://packages.example.com/notes/1",
    )  # fmt: skip
    read = ada("GET", "/1")
    assert read.get_json() == note
    tag = read.headers["ETag"]
    assert ada("GET", "/1", If_None_Match=tag).status_code == 304
    assert ada("PATCH", "/1", {"title": "How"}).status_code == 428
    changed = ada("PATCH", "/1", {"title": "How", "pinned": True}, If_Match=tag)
    assert (changed.get_json()["title"], changed.get_json()["body"]) == ("How", note["body"])
    assert changed.get_json()["pinned"]
    stale = ada("PATCH", "/1", {"title": "Who"}, If_Match=tag)
    assert (stale.status_code, stale.content_type) == (412, "application/problem+json")
    assert stale.get_json()["edition"] == 2
    assert ada("PATCH", "/1", {"body": "Edited."}, If_Match='"2"').status_code == 200
    numbers = [one["number"] for one in ada("GET", "/1/revisions").get_json()["revisions"]]
    assert numbers == [3, 2, 1]
    assert ada("GET", "/1/revisions/1").get_json()["title"] == "Why"
    assert ada("DELETE", "/1").status_code == 204
    assert ada("GET", "/1").status_code == 404
    assert ada("POST", "/1/restore").get_json()["title"] == "How"


def test_a_note_acts_and_is_lifted(app: Flask, session: Session) -> None:
    user = make_user(session)
    add_releases(session, "Demo", {"1.0": [], "2.0": []}, owner=user)
    ada = Caller(app, session, user)
    asked = {
        "title": "Leaks", "package": "Demo", "version_range": "<2", "act": "yank",
        "visibility": "team",
    }  # fmt: skip
    note = ada("POST", json=asked).get_json()
    assert (note["is_acting"], note["version_range"]) == (True, "<2")
    releases = {one.version: one.yanked_reason for one in session.scalars(select(Release))}
    assert releases == {"1.0": "Leaks (note 1)", "2.0": None}
    tag = ada("GET", "/1").headers["ETag"]
    assert ada("DELETE", "/1").status_code == 400
    assert not ada("POST", "/1/lift").get_json()["is_acting"]
    # The edition is the same, but nobody is told that the note is.
    assert ada("GET", "/1", If_None_Match=tag).status_code == 200
    assert ada("POST", "/1/lift", If_Match=tag).status_code == 412
    assert ada("POST", "/1/resume").get_json()["is_acting"]
    other = Caller(app, session, make_user(session, "bob"))
    assert other("POST", "/1/lift").status_code == 403
    assert other("POST", json=asked | {"act": "hold"}).status_code == 403


def test_lists_are_filtered_and_paged(app: Flask, session: Session) -> None:
    user, bob = make_user(session), make_user(session, "bob")
    add_releases(session, "Demo", {"1.0": []}, owner=user)
    make_note(session, user, "mine", body="#one about reasons")
    make_note(session, bob, "theirs, private", body="#one")
    make_note(session, bob, "team", visibility=Visibility.TEAM, package="demo")
    make_note(session, bob, "public", visibility=Visibility.PUBLIC, body="#two")
    make_note(session, user, "acting", act=Act.WARN, version_range=">=2")
    ada = Caller(app, session, user)
    for query, found in {
        "": ["acting", "public", "team", "mine"],
        "?whose=mine": ["acting", "mine"],
        "?whose=team": ["acting", "public", "team"],
        "?whose=public": ["public"],
        "?package=Demo": ["acting", "team"],
        "?package=demo&version=1.0": ["team"],
        "?package=demo&version=2.1": ["acting", "team"],
        "?act=warn&acting=yes": ["acting"],
        "?acting=no&author=bob": ["public", "team"],
        "?tag=One": ["mine"],
        "?archived=yes": [],
        "?q=reason": ["mine"],
        "?q=private": [],
        "?q=%3F": [],
    }.items():
        assert titles(ada("GET", query)) == found, query
    first = ada("GET", "?limit=3")
    assert titles(first) == ["acting", "public", "team"]
    following = first.get_json()["next"]
    assert first.headers["Link"] == f'<{following}>; rel="next"'
    last = ada("GET", following.partition("/notes")[2])
    assert (titles(last), last.get_json()["next"]) == (["mine"], None)
    for query, field in {
        "?whose=x": "whose", "?limit=0": "limit", "?version=1": "version", "?colour=x": "colour",
    }.items():  # fmt: skip
        refused = ada("GET", query)
        assert (refused.status_code, refused.get_json()["field"]) == (400, field)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "title"),
        ({"title": 1}, "title"),
        ({"title": "x", "colour": "red"}, "colour"),
        ({"title": "x", "act": "burn"}, "act"),
        ({"title": "x", "review_at": "2026-01-01T00:00:00"}, "review_at"),
        ({"title": "x", "package": "nowhere"}, "package"),
        ({"title": "x", "package": "a/b"}, "package"),
        ({"title": "x\ny"}, "title"),
        ({"title": "x", "body": "\ud800"}, None),
        ([], None),
    ],
)
def test_what_is_wrong_in_a_body_is_named(
    app: Flask, session: Session, body: Any, field: str | None
) -> None:
    answer = Caller(app, session, make_user(session))("POST", json=body)
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
    assert answer.get_json().get("field") == field
    assert session.scalars(select(Note)).all() == []


def without_names(text: str, number: int) -> str:
    """The answer without the note's number and the request's name, which are others each time."""
    return re.sub(r'"request_id":"[^"]*"', "", text).replace(str(number), "N")


def test_somebody_elses_private_note_is_as_one_that_is_not_there(
    app: Flask, session: Session
) -> None:
    hidden = make_note(session, make_user(session, "bob"), "secret", body="text")
    ada = Caller(app, session, make_user(session))

    def answers(number: int) -> list[tuple[int, str]]:
        asked = [
            *(("GET", path, None) for path in ("", "/revisions", "/revisions/1", "/comments")),
            ("PATCH", "", {"title": "x"}), ("DELETE", "", None), ("PUT", "", {}),
            *(("POST", path, None) for path in ("/restore", "/lift", "/resume")),
            ("POST", "/comments", {"body": "x"}), ("GET", "/comments/1", None),
            ("PATCH", "/comments/1", {"body": "x"}), ("DELETE", "/comments/1", None),
        ]  # fmt: skip
        found = [
            ada(method, f"/{number}{path}", body, If_Match='"1"') for method, path, body in asked
        ]
        return [(one.status_code, without_names(one.text, number)) for one in found]

    assert answers(hidden.id) == answers(hidden.id + 700)
    assert {status for status, _ in answers(hidden.id)} == {404, 405}


def test_tokens_do_what_they_are_for(app: Flask, session: Session) -> None:
    user = make_user(session)
    for name in ("demo", "other"):
        add_releases(session, name, {"1.0": []}, owner=user)
    make_note(session, user, "mine")
    make_note(session, user, "team", visibility=Visibility.TEAM, package="other")
    make_note(session, user, "demo", visibility=Visibility.TEAM, package="demo")
    for scope in (Scope.READ, Scope.UPLOAD):
        tool = Caller(app, session, user, scope=scope)
        assert titles(tool("GET")) == ["demo", "team"]
        assert tool("GET", "/1").status_code == 404
        assert tool("POST", json={"title": "x"}).status_code == 403
        assert tool("DELETE", "/3").status_code == 403
    limited = Caller(app, session, user, packages=["demo"])
    assert titles(limited("GET")) == ["demo"]
    assert limited("PATCH", "/2", {"title": "x"}, If_Match="*").status_code == 404
    assert limited("PATCH", "/3", {"package": "other"}, If_Match="*").status_code == 403
    assert limited("PATCH", "/3", {"package": None}, If_Match="*").status_code == 403
    assert limited("POST", json={"title": "x"}).status_code == 403
    assert limited("POST", json={"title": "x", "package": "other"}).status_code == 403
    assert limited("POST", json={"title": "x", "package": "demo"}).status_code == 201


def test_nobody_reads_what_is_public_and_writes_nothing(
    client: FlaskClient, session: Session
) -> None:
    ada = make_user(session)
    make_note(session, ada, "public", visibility=Visibility.PUBLIC)
    make_note(session, ada, "team", visibility=Visibility.TEAM)
    answer = client.get("/api/v1/notes")
    assert titles(answer) == ["public"]
    assert answer.cache_control.private
    for method, path in (("POST", ""), ("PATCH", "/1"), ("DELETE", "/1"), ("POST", "/2/lift")):
        refused = client.open(f"/api/v1/notes{path}", method=method, json={"title": "x"})
        assert refused.status_code == 401
        assert "WWW-Authenticate" in refused.headers
    wrong = client.get("/api/v1/notes", headers={"Authorization": "Bearer wrong"})
    assert wrong.status_code == 403


def test_a_page_of_this_index_writes_with_its_token_and_no_other_page_does(
    app: Flask, session: Session
) -> None:
    browser = Browser(app)
    browser.log_in_as(make_user(session).id)
    token = csrf_token_of(browser.get("/account/profile").text)

    def post(**headers: str) -> int:
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"title": "By a page"}
        return browser.post("/api/v1/notes", json=sent, headers=headers).status_code

    assert post() == post(X_CSRFToken="x") == 400
    # A username alone is nobody, so that the cookie counts.
    assert post(Authorization="Basic YWRhOg==") == 400
    assert post(X_CSRFToken=token, Origin="https://evil.example.com") == 403
    assert post(X_CSRFToken=token) == 201
    assert titles(browser.get("/api/v1/notes")) == ["By a page"]


def test_comments_are_written_changed_and_taken_away(app: Flask, session: Session) -> None:
    user = make_user(session)
    make_note(session, user, "team", visibility=Visibility.TEAM)
    make_note(session, user, "other", visibility=Visibility.TEAM)
    ada, bob = (Caller(app, session, one) for one in (user, make_user(session, "bob")))
    created = bob("POST", "/1/comments", {"body": "Is it so?"})
    assert (created.status_code, created.location) == (201, "/api/v1/notes/1/comments/1")
    assert ada("PATCH", "/1/comments/1", {"body": "No."}).status_code == 403
    assert bob("PATCH", "/2/comments/1", {"body": "It is."}).status_code == 404
    assert bob("PATCH", "/1/comments/1", {"body": "It is."}).get_json()["body"] == "It is."
    (comment,) = ada("GET", "/1/comments").get_json()["comments"]
    assert (comment["author"], comment["body"]) == ("bob", "It is.")
    assert ada("DELETE", "/1/comments/1").status_code == 204
    assert ada("GET", "/1/comments/1").status_code == 404
