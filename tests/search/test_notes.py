"""Notes among the results of a search."""

from __future__ import annotations

import json

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_token, make_user
from tests.helpers.browsing import Browser
from tests.helpers.notes import fields, make_note
from tests.helpers.search import add_found

from packslip.accounts.models import Scope
from packslip.cli import packslip
from packslip.db import write_transaction
from packslip.notes.finding import find_notes
from packslip.notes.models import Note, Visibility
from packslip.notes.operations import delete_note, edit_note, purge_deleted, restore_note
from packslip.notes.readers import NoteReader
from packslip.packages.search_words import read_words
from packslip.search.notes import excerpt


def test_words_are_found_in_titles_tags_and_texts_titles_first(session: Session) -> None:
    ada = make_user(session)
    make_note(session, ada, "A decision", body="We keep the *libraries* of ours. #storage")
    make_note(session, ada, "Library of sessions", body="It leaks.")
    make_note(session, ada, "Ünrelated", body='Nothing, `-- "DROP` said.')
    reader = NoteReader(ada)

    def found(asked: str) -> list[str]:
        page = find_notes(session, reader, asked, 10)
        assert page.total == len(page.notes)
        return [note.title for note in page.notes]

    assert found("library") == ["Library of sessions", "A decision"]
    assert found("libr sess") == ["Library of sessions"]
    assert found("storage") == found("stor") == found("decision ours") == ["A decision"]
    assert found('"the libraries"') == ["A decision"]
    assert found("library -leaks") == ["A decision"]
    assert found("unrelated drop") == ["Ünrelated"]
    assert found("drops needles") == found("?") == found("") == found("-library") == []


def test_the_index_follows_each_change_and_forgets_what_is_gone(session: Session) -> None:
    ada = make_user(session)
    note = make_note(session, ada, "Before", body="#old")
    reader = NoteReader(ada)

    def total(asked: str) -> int:
        return find_notes(session, reader, asked, 1).total

    with write_transaction(session):
        edit_note(session, ACTOR, ada, note, fields("After", body="#new"), edition=1)
    assert (total("before"), total("old"), total("after"), total("new")) == (0, 0, 1, 1)
    with write_transaction(session):
        delete_note(session, ACTOR, ada, note)
    assert total("after") == 0
    with write_transaction(session):
        restore_note(session, ACTOR, ada, note.id)
    assert total("after") == 1
    with write_transaction(session):
        deleted = delete_note(session, ACTOR, ada, note).deleted_at
        assert deleted is not None
        purge_deleted(session, deleted.replace(year=deleted.year + 1))
    assert session.execute(text("SELECT count(*) FROM search_note_words")).scalar() == 0


def test_nobody_finds_a_trace_of_somebody_elses_private_note(
    app: Flask, session: Session, client: FlaskClient
) -> None:
    ada, bob = make_user(session), make_user(session, "bob")
    add_found(session, "zebra")
    secrets = {}
    for scope in (Scope.NOTES, Scope.READ):
        secrets[scope] = make_token(session, bob, scope=scope)[1]

    def answers() -> list[str]:
        session.rollback()
        found = []
        for asked in ("zebra", "zebra stripes", "zebr"):
            address = f"/api/v1/search?q={asked}"
            found.append(client.get(address).text)
            for secret in secrets.values():
                header = {"Authorization": f"Bearer {secret}"}
                found.append(client.get(address, headers=header).text)
            found.append(app.test_cli_runner().invoke(packslip, ["search", asked, "--json"]).output)
            browser = Browser(app)
            browser.log_in_as(bob.id)
            found.append(browser.get(f"/search/?q={asked}").text.partition("<main")[2])
            session.rollback()
        return found

    make_note(session, bob, "zebra stripes", body="team", visibility=Visibility.TEAM)
    before = answers()
    for number in range(3):
        make_note(session, ada, f"zebra stripes {number}", body="zebra zebra #zebra")
    assert answers() == before
    make_note(session, bob, "zebra of bob")
    mine = client.get(
        "/api/v1/search?q=zebra", headers={"Authorization": f"Bearer {secrets[Scope.NOTES]}"}
    )
    assert [one["title"] for one in mine.get_json()["notes"]["results"]] == [
        "zebra of bob", "zebra stripes",
    ]  # fmt: skip
    install = client.get(
        "/api/v1/search?q=zebra", headers={"Authorization": f"Bearer {secrets[Scope.READ]}"}
    )
    assert install.get_json()["notes"]["total"] == 1
    assert client.get("/api/v1/search?q=zebra").get_json()["notes"]["total"] == 0
    output = app.test_cli_runner().invoke(packslip, ["search", "zebra", "--json"]).output
    assert json.loads(output)["notes"]["total"] == 1


def test_a_page_shows_notes_with_what_stands_around_the_word(app: Flask, session: Session) -> None:
    ada = make_user(session)
    add_found(session, "demo")
    long = "filler " * 60 + "<b>needle</b> " + "filler " * 60
    make_note(session, ada, "Where it is", body=long, package="demo")
    browser = Browser(app)
    browser.log_in_as(ada.id)
    page = browser.get("/search/?q=needle").text
    assert '<a href="/notes/1">Where it is</a>' in page
    assert "…filler" in page
    assert "&lt;b&gt;needle&lt;/b&gt;" in page
    assert "Where it is" not in browser.get("/search/?q=needle&yanked=no").text
    assert "Where it is" not in Browser(app).get("/search/?q=needle").text


def test_an_excerpt_has_no_marks() -> None:
    body = (
        "# Why\n\nWe **keep** [the library](https://example.com) `pinned`, see [[demo]].\n\n* one"
    )
    found = excerpt(Note(body=body), read_words("library"))
    assert found == "Why We keep the library pinned, see demo. one"
    # Where it begins is reckoned in what is shown.
    long = "**so** " * 100 + "library here"
    assert excerpt(Note(body=long), read_words("library")).endswith("so so library here")
