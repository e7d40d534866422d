"""What the pages of notes share."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import abort, redirect, render_template
from flask import session as cookie

from packslip import db
from packslip.accounts.current import current_user, login_address
from packslip.accounts.identity import Identity
from packslip.accounts.readers import current_reader
from packslip.notes import access, queries
from packslip.notes.comments import may_delete_comment
from packslip.notes.errors import UnknownNoteError
from packslip.notes.forms import CommentForm, words_of
from packslip.notes.lists import is_due, list_tags_of
from packslip.notes.mentions import find_in
from packslip.notes.models import Note, NoteComment, Visibility
from packslip.notes.operations import BIN_TIME
from packslip.notes.readers import NoteReader, reader_of
from packslip.notes.rendering import render_note

#: Under this name the cookie keeps whose draft was just saved, for one page.
SAVED = "saved_draft"


def request_reader() -> NoteReader:
    """Who reads, by a header or by the browser's session."""
    identity = current_reader()
    if identity is None and (user := current_user()) is not None:
        identity = Identity(user)
    return reader_of(identity)


def read_note(note_id: int, *, deleted: bool = False) -> Note:
    """The note, if whoever sends this request may read it; with `deleted` also in their own bin.

    Who is not logged in is sent to the log-in page, whether there is such a note or not.

    Raises:
        UnknownNoteError: there is none for this person.
    """
    session, user = db.session(), current_user()
    try:
        return queries.get_note(session, user, note_id)
    except UnknownNoteError:
        if user is None:
            abort(redirect(login_address(), code=303))
        if not deleted:
            raise
        return queries.get_deleted_note(session, user, note_id)


def removed_at(note: Note) -> datetime | None:
    """When a deleted note is removed for good."""
    return None if note.deleted_at is None else note.deleted_at + BIN_TIME


def is_changed(comment: NoteComment) -> bool:
    """Whether the comment was changed after it was written."""
    return comment.updated_at - comment.created_at > timedelta(seconds=1)


def markdown_of(note: Note) -> str:
    """The note as one Markdown text, its title as a heading."""
    return f"# {note.title}\n\n{note.body}" if note.title else note.body


def note_page(note_id: int, failed: CommentForm | None = None) -> str:
    """The page of a note; with a comment that failed, what is wrong with it."""
    note, session, me = read_note(note_id, deleted=True), db.session(), current_user()
    find = find_in(session, me)
    shared = note.visibility != Visibility.PRIVATE and note.deleted_at is None
    comments = queries.list_comments(session, note) if shared else ()
    return render_template(
        "notes/view.html",
        note=note,
        me=me,
        may_edit=note.deleted_at is None and access.may_edit(session, me, note),
        may_lift=access.may_change_act(session, me, note),
        may_resume=access.may_resume_act(session, me, note),
        is_due=is_due,
        seen_by=words_of(note.visibility),
        text=render_note(note.body, find),
        markdown=markdown_of(note),
        tags=list_tags_of(session, note),
        shared=shared,
        comments=[
            (one, render_note(one.body, find, prefix=f"comment-{one.id}-")) for one in comments
        ],
        may_delete=lambda comment: me is not None and may_delete_comment(me, note, comment),
        comment_form=failed or CommentForm(),
        saved_draft=cookie.pop(SAVED, None),
        removed_at=removed_at(note),
        is_changed=is_changed,
    )
