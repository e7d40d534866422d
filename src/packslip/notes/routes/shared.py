"""What the pages of notes share."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import abort, redirect, render_template, url_for
from flask import session as cookie

from packslip import db
from packslip.accounts.current import current_user, login_address
from packslip.errors import NotFoundError
from packslip.notes import access, operations, queries
from packslip.notes.forms import CommentForm, words_of
from packslip.notes.mentions import find_in
from packslip.notes.models import Note, NoteComment
from packslip.notes.rendering import render_note

#: Under this name the cookie keeps whose draft was just saved, for one page.
SAVED = "saved_draft"


def read_note(note_id: int) -> Note:
    """The note, if whoever sends this request may read it.

    Who is not logged in is sent to the log-in page, whether there is such a note or not.

    Raises:
        UnknownNoteError: there is none for this person.
    """
    user = current_user()
    try:
        return queries.get_note(db.session(), user, note_id)
    except NotFoundError:
        if user is None:
            abort(redirect(login_address(), code=303))
        raise


def removed_at(note: Note) -> datetime | None:
    """When a deleted note is removed for good."""
    return None if note.deleted_at is None else note.deleted_at + timedelta(days=operations.BIN_DAYS)


def is_changed(comment: NoteComment) -> bool:
    """Whether the comment was changed after it was written."""
    return comment.updated_at - comment.created_at > timedelta(seconds=1)


def markdown_of(note: Note) -> str:
    """The note as one Markdown text, its title as a heading."""
    return f"# {note.title}\n\n{note.body}" if note.title else note.body


def note_page(note_id: int, failed: CommentForm | None = None) -> str:
    """The page of a note; with a comment that failed, what is wrong with it."""
    note, session, me = read_note(note_id), db.session(), current_user()
    find = find_in(session, me)
    comments = [
        (comment, render_note(comment.body, find, prefix=f"comment-{comment.id}-"))
        for comment in queries.list_comments(session, note)
    ]
    return render_template(
        "notes/view.html",
        note=note,
        me=me,
        may_edit=access.may_edit(session, me, note),
        edited=note.edition > 1,
        seen_by=words_of(note.visibility),
        text=render_note(note.body, find),
        markdown=markdown_of(note),
        tags=queries.list_tags_of(session, note),
        revisions=note.edition,
        comments=comments,
        comment_form=failed or CommentForm(),
        saved_draft=cookie.pop(SAVED, None),
        removed_at=removed_at(note),
        is_changed=is_changed,
    )
