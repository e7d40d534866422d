"""What people say about a note."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug import Response

from packslip import db
from packslip.accounts.current import confirm_login, current_actor, guard_users, require_user
from packslip.errors import InvalidError
from packslip.notes import access, operations, queries
from packslip.notes.forms import CommentForm
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
            comment = operations.add_comment(session, actor, user, note, form.body.data or "")
            comment_id = comment.id
    except InvalidError as error:
        form.fail(error)
        return note_page(note_id, form), 400
    address = url_for("notes.view", note_id=note_id, _anchor=f"comment-{comment_id}")
    return redirect(address, code=303)


@blueprint.route("/<int:comment_id>/edit", methods=["GET", "POST"])
def edit(note_id: int, comment_id: int) -> Answer:
    """Change what one said."""
    user, actor, note = require_user(), current_actor(), read_note(note_id)
    comment = queries.get_own_comment(db.session(), user, note, comment_id)
    form = read_form(CommentForm, body=comment.body)
    if not is_sent(form):
        page = render_template("notes/comment.html", note=note, form=form)
        return (page, 400) if form.errors else page
    try:
        with db.write_transaction(db.session()) as session:
            confirm_login(session)
            note = queries.get_note(session, user, note_id)
            comment = queries.get_own_comment(session, user, note, comment_id)
            operations.change_comment(session, actor, comment, form.body.data or "")
    except InvalidError as error:
        form.fail(error)
        return render_template("notes/comment.html", note=read_note(note_id), form=form), 400
    address = url_for("notes.view", note_id=note_id, _anchor=f"comment-{comment_id}")
    return redirect(address, code=303)


@blueprint.post("/<int:comment_id>/delete")
def delete(note_id: int, comment_id: int) -> Response:
    """Take back what one said."""
    user, actor = require_user(), current_actor()
    with db.write_transaction(db.session()) as session:
        confirm_login(session)
        note = queries.get_note(session, user, note_id)
        comment = queries.get_own_comment(session, user, note, comment_id)
        operations.delete_comment(session, actor, comment)
    flash("Your comment is deleted.")
    return redirect(url_for("notes.view", note_id=note_id, _anchor="comments"), code=303)
