"""Somebody else's private note does not exist: at no address, in no list, in no count."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.browsing import Browser, csrf_token_of
from werkzeug.test import TestResponse

from packslip.accounts.models import Role, User
from packslip.db import write_transaction
from packslip.events.operations import Actor
from packslip.notes import comments, operations
from packslip.notes.fields import NoteFields, fields_of
from packslip.notes.models import Note, Visibility

SECRET = "xyzzy"

#: Every address that is about one note, by method. ID stands for its number.
ADDRESSES = [
    ("GET", "/notes/ID"),
    ("GET", "/notes/ID/raw"),
    ("GET", "/notes/ID/edit"),
    ("GET", "/notes/ID/edit?draft=1"),
    ("GET", "/notes/ID/revisions/"),
    ("GET", "/notes/ID/revisions/1"),
    ("GET", "/notes/ID/comments/1/edit"),
    ("POST", "/notes/ID/edit"),
    ("POST", "/notes/ID/delete"),
    ("POST", "/notes/ID/restore"),
    ("POST", "/notes/ID/pin"),
    ("POST", "/notes/ID/archive"),
    ("POST", "/notes/ID/revisions/1/restore"),
    ("POST", "/notes/ID/comments/"),
    ("POST", "/notes/ID/comments/1/edit"),
    ("POST", "/notes/ID/comments/1/delete"),
    ("POST", "/notes/drafts#ID"),
    ("POST", "/notes/drafts/drop#ID"),
]

LISTS = ["/", "/notes/", *(f"/notes/?show={show}" for show in ("team", "pinned", "archived"))]


def private_note(session: Session) -> tuple[User, Note]:
    """A note that was shared and discussed, and is private, pinned and tagged now."""
    ada = make_user(session, "ada")
    actor = Actor("ada", user_id=ada.id)
    fields = NoteFields(title=SECRET, body=f"{SECRET} #{SECRET}", visibility=Visibility.TEAM)
    with write_transaction(session):
        note = operations.create_note(session, actor, ada, fields)
        comments.add_comment(session, actor, ada, note, SECRET)
        hidden = NoteFields(title=SECRET, body=f"{SECRET} #{SECRET} still")
        assert hidden.visibility == Visibility.PRIVATE
        operations.edit_note(session, actor, ada, note, hidden, edition=1)
        operations.set_flags(session, ada, note, pinned=True)
    return ada, note


def send(browser: Browser, method: str, address: str, note_id: int) -> TestResponse:
    path, _, draft = address.replace("ID", str(note_id)).partition("#")
    if method == "GET":
        return browser.get(path)
    token = csrf_token_of(browser.get("/notes/new").text)
    data = {"csrf_token": token, "title": "mine", "body": "mine", "visibility": "team",
            "edition": "2", "note": draft, "on": "1"}  # fmt: skip
    return browser.post(path, data)


def without_numbers(page: str) -> str:
    return re.sub(r'value="[^"]*"|<code>[0-9a-f]{16}</code>|\d+', "", page)


@pytest.mark.parametrize("role", [Role.MEMBER, Role.ADMIN])
def test_every_address_of_a_private_note_is_that_of_no_note(
    app: Flask, session: Session, role: Role
) -> None:
    _, note = private_note(session)
    other = make_user(session, "eve", role=role)
    note_id, before = note.id, (fields_of(note), note.edition, note.pinned)
    browser = Browser(app)
    browser.log_in_as(other.id)
    for method, address in ADDRESSES:
        real, missing = (send(browser, method, address, one) for one in (note_id, 4242))
        assert (real.status_code, missing.status_code) == (404, 404), (method, address)
        assert without_numbers(real.text) == without_numbers(missing.text), (method, address)
        assert SECRET not in real.text
    session.rollback()
    session.refresh(note)
    assert (fields_of(note), note.edition, note.pinned) == before
    assert note.deleted_at is None


def test_it_is_in_no_list_no_search_and_no_count(app: Flask, session: Session) -> None:
    ada, _ = private_note(session)
    browser = Browser(app)
    browser.log_in_as(make_user(session, "eve").id)
    for path in LISTS:
        assert SECRET not in browser.get(path).text
    for show in ("mine", "team", "pinned", "archived", "deleted"):
        for narrowed in (f"q={SECRET}", f"tag={SECRET}"):
            assert "0 notes" in browser.get(f"/notes/?show={show}&{narrowed}").text
    browser.log_in_as(ada.id)
    assert "1 note with" in " ".join(browser.get(f"/notes/?tag={SECRET}").text.split())


def test_who_is_not_logged_in_is_sent_to_log_in_whether_there_is_a_note_or_not(
    app: Flask, session: Session
) -> None:
    _, note = private_note(session)
    for tail in ("", "/raw", "/edit", "/revisions/"):
        answers = [Browser(app).get(f"/notes/{number}{tail}") for number in (note.id, 4242)]
        assert {answer.status_code for answer in answers} == {303}
        assert all("/account/login" in answer.location for answer in answers)


def test_a_public_note_is_read_without_logging_in_and_what_is_deleted_by_its_author_alone(
    app: Flask, session: Session
) -> None:
    ada = make_user(session, "ada")
    actor = Actor("ada", user_id=ada.id)
    with write_transaction(session):
        fields = NoteFields(title="For all", body="Read *me*", visibility=Visibility.PUBLIC)
        note = operations.create_note(session, actor, ada, fields)
        note_id = note.id
    nobody, author, other = Browser(app), Browser(app), Browser(app)
    author.log_in_as(ada.id)
    other.log_in_as(make_user(session, "bob").id)
    assert "<em>me</em>" in nobody.get(f"/notes/{note_id}").text
    raw = nobody.get(f"/notes/{note_id}/raw")
    assert (raw.mimetype, raw.text) == ("text/markdown", "# For all\n\nRead *me*")
    assert send(other, "POST", "/notes/ID/delete", note_id).status_code == 403
    assert send(author, "POST", "/notes/ID/delete", note_id).status_code == 303
    assert other.get(f"/notes/{note_id}").status_code == 404
    assert "Restore the note" in author.get(f"/notes/{note_id}").text
    assert author.get(f"/notes/{note_id}/raw").status_code == 404
