"""What people say about a note."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug import Response

from packslip import db
from packslip.accounts.current import confirm_login, current_actor, guard_users, require_user
from packslip.accounts.models import User
from packslip.errors import InvalidError
from packslip.notes import comments, queries
from packslip.notes.errors import NotCommentatorError, UnknownCommentError
from packslip.notes.forms import CommentForm
from packslip.notes.models import Note, NoteComment
from packslip.notes.routes.shared import note_page, read_note
from packslip.web.forms import is_sent, read_form

blueprint = Blueprint(
    "note_comments",
    __name__,
    template_folder="../templates",
    url_prefix="/notes/<int:note_id>/comments",
)
guard_users(blueprint)

#: A page or redirect, perhaps with a status.
Answer = str | Response | tuple[str, int]


@blueprint.post("/")
def add(note_id: int) -> Answer:
    """Say something."""
    form, user, actor = read_form(CommentForm), require_user(), current_actor()
    read_note(note_id)
    if not form.validate():
        return note_page(note_id, form), 400
    try:
        with db.write_transaction(db.session()) as session:
            confirm_login(session)
            note = queries.get_note(session, user, note_id)
            comment = comments.add_comment(session, actor, user, note, form.body.data or "")
            comment_id = comment.id
    except InvalidError as error:
        form.fail(error)
        return note_page(note_id, form), 400
    return _back(note_id, f"comment-{comment_id}")


@blueprint.route("/<int:comment_id>/edit", methods=["GET", "POST"])
def edit(note_id: int, comment_id: int) -> Answer:
    """Change what one said."""
    user, actor = require_user(), current_actor()
    note, comment = _get(user, note_id, comment_id)
    if comment.user_id != user.id:
        raise NotCommentatorError(comment_id)
    form = read_form(CommentForm, body=comment.body)
    if not is_sent(form):
        page = render_template("notes/comment.html", note=note, form=form)
        return (page, 400) if form.errors else page
    try:
        with db.write_transaction(db.session()) as session:
            confirm_login(session)
            comments.edit_comment(session, actor, user, comment_id, form.body.data or "")
    except InvalidError as error:
        form.fail(error)
        return render_template("notes/comment.html", note=read_note(note_id), form=form), 400
    return _back(note_id, f"comment-{comment_id}")


@blueprint.post("/<int:comment_id>/delete")
def delete(note_id: int, comment_id: int) -> Response:
    """Take a comment away."""
    user, actor = require_user(), current_actor()
    _get(user, note_id, comment_id)
    with db.write_transaction(db.session()) as session:
        confirm_login(session)
        comments.delete_comment(session, actor, user, comment_id)
    flash("The comment is deleted.")
    return _back(note_id, "comments")


def _get(user: User, note_id: int, comment_id: int) -> tuple[Note, NoteComment]:
    read_note(note_id)
    note, comment = queries.get_comment(db.session(), user, comment_id)
    if note.id != note_id:
        raise UnknownCommentError(comment_id)
    return note, comment


def _back(note_id: int, anchor: str) -> Response:
    return redirect(url_for("notes.view", note_id=note_id, _anchor=anchor), code=303)
