"""Writing notes: conflicts, privacy, revisions, the bin, comments."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.at_once import at_once
from tests.helpers.notes import fields, make_note
from tests.helpers.packages import add_releases

from packslip.accounts.models import Role, User
from packslip.db import write_transaction
from packslip.errors import NotAllowedError
from packslip.events.models import Event
from packslip.events.words import describe
from packslip.notes import comments, operations, queries
from packslip.notes.access import DisabledError
from packslip.notes.errors import (
    EditConflictError,
    NoCommentsError,
    NotAuthorError,
    NotCommentatorError,
    NoteFieldError,
    UnknownCommentError,
    UnknownNoteError,
    UnknownRevisionError,
)
from packslip.notes.models import Note, NoteLink, NoteRevision, NoteTag, Visibility
from packslip.packages.models import Package

TEAM, PUBLIC, PRIVATE = Visibility.TEAM, Visibility.PUBLIC, Visibility.PRIVATE
SECRET = "a plan that is nobody's business"


@pytest.fixture
def ada(session: Session) -> User:
    return make_user(session, "ada")


@pytest.fixture
def bob(session: Session) -> User:
    """An admin, who sees no more than others."""
    return make_user(session, "bob", role=Role.ADMIN)


def edit(session: Session, user: User, note: Note, edition: int, *title: str, **said: Any) -> Note:
    with write_transaction(session):
        return operations.edit_note(
            session, ACTOR, user, note, fields(*title, **said), edition=edition
        )


def change(session: Session, do: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
    with write_transaction(session):
        return do(session, *arguments, **more)


def events(session: Session) -> list[Event]:
    session.rollback()
    wanted = select(Event).where(Event.action.not_like("user.%")).order_by(Event.id)
    return list(session.scalars(wanted))


def test_every_save_is_a_revision_with_what_the_text_names(session: Session, ada: User) -> None:
    note = make_note(session, ada, "One", body="#tag [[Flask]]")
    edit(session, ada, note, 1, "Two", body="#other")
    same = edit(session, ada, note, 2, "Two", body="#other")
    assert (same.title, same.edition) == ("Two", 2)
    assert [(one.number, one.title) for one in queries.list_revisions(session, ada, note)] == [
        (2, "Two"),
        (1, "One"),
    ]
    assert session.scalars(select(NoteTag.tag)).all() == ["other"]
    assert session.scalars(select(NoteLink.package_id)).all() == []
    change(session, operations.restore_revision, ACTOR, ada, note, 1, edition=2)
    assert (note.title, note.body, note.edition) == ("One", "#tag [[Flask]]", 3)
    assert session.scalars(select(NoteLink.package_id)).all() == ["flask"]
    with pytest.raises(UnknownRevisionError):
        change(session, operations.restore_revision, ACTOR, ada, note, 9, edition=3)


def test_a_save_that_began_from_an_older_edition_overwrites_nothing(
    session: Session, ada: User
) -> None:
    note = make_note(session, ada, "One")
    edit(session, ada, note, 1, "Two")
    with pytest.raises(EditConflictError) as caught:
        edit(session, ada, note, 1, "Mine")
    assert (caught.value.note.title, caught.value.note.edition) == ("Two", 2)
    assert session.scalars(select(NoteRevision.title)).all() == ["One", "Two"]


def test_of_two_who_save_at_once_one_is_told(app: Flask, session: Session, ada: User) -> None:
    note_id, user_id = make_note(session, ada, "One").id, ada.id
    session.rollback()

    def save(title: str) -> Callable[[Session], str]:
        def run(own: Session) -> str:
            user, note = own.get_one(User, user_id), own.get_one(Note, note_id)
            said = fields(title)
            return operations.edit_note(own, ACTOR, user, note, said, edition=1).title

        return run

    found = at_once(app, save("a"), save("b"))
    (saved,) = [one for one in found if isinstance(one, str)]
    assert any(isinstance(one, EditConflictError) for one in found)
    assert session.get_one(Note, note_id).title == saved


def test_somebody_elses_private_note_does_not_exist(session: Session, ada: User, bob: User) -> None:
    add_releases(session, "demo")
    note = make_note(session, ada, SECRET, body=SECRET, package="demo")
    attempts: list[Callable[[], Any]] = [
        lambda: queries.get_note(session, bob, note.id),
        lambda: queries.get_note(session, None, note.id),
        lambda: edit(session, bob, note, 1, "Mine"),
        lambda: change(session, operations.set_flags, bob, note, pinned=True),
        lambda: change(session, operations.delete_note, ACTOR, bob, note),
        lambda: change(session, operations.restore_note, ACTOR, bob, note.id),
        lambda: change(session, comments.add_comment, ACTOR, bob, note, "I see"),
    ]
    for attempt in attempts:
        with pytest.raises(UnknownNoteError) as caught:
            attempt()
        assert caught.value.reason == f"There is no note {note.id}."
    for number in (0, -1, 2**63, note.id + 1):
        with pytest.raises(UnknownNoteError):
            queries.get_note(session, bob, number)
    assert queries.list_package_notes(session, bob, "demo") == []
    assert queries.list_package_notes(session, ada, "demo") == [note]
    edit(session, ada, note, 1, SECRET, body="more")
    change(session, operations.delete_note, ACTOR, ada, note)
    change(session, operations.restore_note, ACTOR, ada, note.id)
    assert events(session) == []
    assert session.get_one(Package, "demo").serial == 0


def test_what_is_shared_is_seen_without_what_was_written_before(
    session: Session, ada: User, bob: User
) -> None:
    note = make_note(session, ada, SECRET)
    edit(session, ada, note, 1, "For all", visibility=TEAM)
    assert queries.get_note(session, bob, note.id).title == "For all"
    with pytest.raises(UnknownNoteError):
        queries.get_note(session, None, note.id)
    assert [one.number for one in queries.list_revisions(session, bob, note)] == [2]
    with pytest.raises(UnknownRevisionError):
        queries.get_revision(session, bob, note, 1)
    edit(session, ada, note, 2, "For all", visibility=PUBLIC)
    assert queries.get_note(session, None, note.id) is note
    with pytest.raises(NotAuthorError):
        edit(session, bob, note, 3, "Mine", visibility=PUBLIC)
    edit(session, ada, note, 3, SECRET)
    with pytest.raises(UnknownNoteError):
        queries.get_note(session, bob, note.id)
    told = events(session)
    assert [one.action for one in told] == ["note.share", "note.edit", "note.hide"]
    assert describe(told[0]) == f"tester let others see the note {note.id} “For all”"
    assert not any(SECRET in str(one.data) for one in told)


def test_a_note_on_a_package_moves_its_serial(session: Session, ada: User) -> None:
    add_releases(session, "demo")
    add_releases(session, "other")
    note = make_note(session, ada, visibility=PUBLIC, package="demo")
    edit(session, ada, note, 1, visibility=PUBLIC, package="other")
    created, left, came = events(session)
    assert session.get_one(Package, "demo").serial == left.id
    assert session.get_one(Package, "other").serial == came.id
    assert created.package_id == "demo"
    with pytest.raises(NoteFieldError, match="no package 'gone'"):
        edit(session, ada, note, 2, package="gone")


def test_a_deleted_note_is_in_its_authors_bin_alone(session: Session, ada: User, bob: User) -> None:
    note = make_note(session, ada, visibility=TEAM)
    with pytest.raises(NotAuthorError):
        change(session, operations.delete_note, ACTOR, bob, note)
    change(session, operations.delete_note, ACTOR, ada, note)
    for user in (ada, bob):
        with pytest.raises(UnknownNoteError):
            queries.get_note(session, user, note.id)
    assert (queries.list_deleted(session, ada), queries.list_deleted(session, bob)) == ([note], [])
    with pytest.raises(UnknownNoteError):
        change(session, operations.restore_note, ACTOR, bob, note.id)
    change(session, operations.restore_note, ACTOR, ada, note.id)
    assert queries.get_note(session, bob, note.id) is note


def test_pinning_is_no_save(session: Session, ada: User, bob: User) -> None:
    note = make_note(session, ada, visibility=TEAM)
    change(session, operations.set_flags, ada, note, pinned=True)
    change(session, operations.set_flags, ada, note, archived=True)
    assert (note.pinned, note.archived, note.edition) == (True, True, 1)
    with pytest.raises(NotAuthorError):
        change(session, operations.set_flags, bob, note, pinned=False)


def test_who_is_disabled_does_nothing(session: Session, ada: User) -> None:
    note = make_note(session, ada, visibility=TEAM)
    with write_transaction(session):
        session.get_one(User, ada.id).disabled_at = datetime.now(UTC)
    with pytest.raises(DisabledError):
        change(session, operations.create_note, ACTOR, ada, fields())
    for attempt in (
        lambda: edit(session, ada, note, 1, "Mine"),
        lambda: change(session, operations.delete_note, ACTOR, ada, note),
        lambda: change(session, comments.add_comment, ACTOR, ada, note, "Hm"),
    ):
        with pytest.raises(UnknownNoteError):
            attempt()


def test_comments(session: Session, ada: User, bob: User) -> None:
    carl = make_user(session, "carl")
    note = make_note(session, ada, visibility=TEAM)
    said = change(session, comments.add_comment, ACTOR, carl, note, " Why?\r\n ")
    assert [one.body for one in queries.list_comments(session, note)] == ["Why?"]
    for body in ("", " \n", "x" * 20_000, "\0"):
        with pytest.raises(NoteFieldError):
            change(session, comments.add_comment, ACTOR, carl, note, body)
    with pytest.raises(NotCommentatorError):
        change(session, comments.edit_comment, ACTOR, bob, said.id, "Because.")
    change(session, comments.edit_comment, ACTOR, carl, said.id, "Why not?")
    other = make_note(session, carl, visibility=TEAM)
    mine = change(session, comments.add_comment, ACTOR, ada, other, "Mine")
    dora = make_user(session, "dora")
    with pytest.raises(NotCommentatorError):
        change(session, comments.delete_comment, ACTOR, dora, mine.id)
    for user, comment in ((ada, said), (bob, mine)):
        change(session, comments.delete_comment, ACTOR, user, comment.id)
        assert comment.body == ""
        with pytest.raises(UnknownCommentError):
            change(session, comments.edit_comment, ACTOR, carl, comment.id, "Again")
    assert queries.list_comments(session, note) == []
    edit(session, ada, note, 1)
    with pytest.raises(NoCommentsError):
        change(session, comments.add_comment, ACTOR, ada, note, "To myself")


def test_comments_on_what_became_private_do_not_exist(
    session: Session, ada: User, bob: User
) -> None:
    note = make_note(session, ada, visibility=TEAM)
    said = change(session, comments.add_comment, ACTOR, bob, note, "Hm")
    edit(session, ada, note, 1)
    with pytest.raises(UnknownCommentError):
        change(session, comments.edit_comment, ACTOR, bob, said.id, "Oh")
    with pytest.raises((UnknownCommentError, NotAllowedError)):
        change(session, comments.delete_comment, ACTOR, bob, said.id)
