from __future__ import annotations

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.browsing import Browser

from packslip.notes.models import Note, NoteDraft


def test_a_stale_save_is_a_conflict_and_the_next_one_is_not(app: Flask, session: Session) -> None:
    ada = make_user(session, "ada")
    browser = Browser(app)
    browser.log_in_as(ada.id)
    saved = browser.submit("/notes/new", title="One", body="first", do="save")
    path = f"{saved.location}/edit"
    assert browser.submit(path, body="second", do="save").status_code == 303
    late = browser.submit(path, body="mine", edition="1", do="save")
    assert late.status_code == 409
    assert "second" in late.text
    session.rollback()
    assert session.scalars(select(Note.body)).one() == "second"
    assert 'name="edition" value="2"' in late.text


def test_a_fault_is_shown_at_its_field_with_what_was_typed(app: Flask, session: Session) -> None:
    browser = Browser(app)
    browser.log_in_as(make_user(session, "ada").id)
    for field, value in (("title", " "), ("package", "nope"), ("version_range", "what")):
        values = {"title": "T", "body": "kept <b>", field: value}
        answer = browser.submit("/notes/new", do="save", **values)
        assert answer.status_code == 400
        assert "kept &lt;b&gt;" in answer.text
        assert f'id="{field}-fault"' in answer.text


def test_a_draft_is_ones_own_is_offered_used_and_gone_with_the_save(
    app: Flask, session: Session
) -> None:
    browser, other = Browser(app), Browser(app)
    browser.log_in_as(make_user(session, "ada").id)
    other.log_in_as(make_user(session, "bob").id)
    page = browser.get("/notes/new").text
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    sent = {"csrf_token": token, "title": "Half", "body": "a\r\nthought", "visibility": "team"}
    assert browser.post("/notes/drafts", sent).status_code == 204
    assert "“Half”" in browser.get("/notes/new").text
    assert "“Half”" not in other.get("/notes/new").text
    saved = browser.submit("/notes/new?draft=1", "/notes/new", do="save")
    assert saved.status_code == 303
    session.rollback()
    note = session.scalars(select(Note)).one()
    assert (note.title, note.body, note.visibility) == ("Half", "a\nthought", "team")
    assert session.scalars(select(NoteDraft)).all() == []
