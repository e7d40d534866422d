"""The lists of notes, narrowed by words."""

from __future__ import annotations

from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.notes import make_note

from packslip.db import write_transaction
from packslip.notes.lists import Show, list_notes
from packslip.notes.models import Visibility
from packslip.notes.operations import delete_note


def test_a_list_is_searched_by_words_of_what_its_reader_may_see(session: Session) -> None:
    ada, bob = make_user(session, "ada"), make_user(session, "bob")
    make_note(session, ada, "Sessions leak", body="At *midnight*. #storage")
    make_note(session, ada, "Midnight", body="Jobs.", visibility=Visibility.TEAM)
    make_note(session, bob, "Midnight too", body="Nobody else sees it.")
    gone = make_note(session, ada, "Gone at midnight")
    with write_transaction(session):
        delete_note(session, ACTOR, ada, gone)

    def found(words: str, show: Show = Show.MINE) -> list[str]:
        page = list_notes(session, ada, show, words=words)
        assert page.total == len(page.notes)
        return [note.title for note in page.notes]

    assert found("MIDNIGHT") == ["Midnight", "Sessions leak"]
    assert found("midnight -jobs") == found("sess midnight") == ["Sessions leak"]
    assert found('"leak at"') == found("?!") == found("nobody") == []
    assert found("stor") == ["Sessions leak"]
    assert found("midnight", Show.TEAM) == ["Midnight"]
    assert found("midnight", Show.DELETED) == ["Gone at midnight"]
    assert len(found("  ")) == 2
