"""Notes to read: the lists, the page of each, and what its author does with it."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug import Response as Redirect

from packslip import db
from packslip.accounts.current import confirm_login, current_actor, keep_private, require_user
from packslip.accounts.models import User
from packslip.accounts.readers import guard_pages
from packslip.errors import InvalidError
from packslip.notes import operations, queries
from packslip.notes.lists import Show, list_notes, list_tags
from packslip.notes.models import Note
from packslip.notes.operations import BIN_TIME
from packslip.notes.rendering import beginning_of
from packslip.notes.routes.shared import markdown_of, note_page, read_note, removed_at

blueprint = Blueprint("notes", __name__, template_folder="../templates", url_prefix="/notes")
guard_pages(blueprint)
blueprint.after_request(keep_private)

WORDS = {
    Show.MINE: "Mine",
    Show.TEAM: "Team",
    Show.PINNED: "Pinned",
    Show.DUE: "Due",
    Show.ARCHIVED: "Archived",
    Show.DELETED: "Deleted",
}

#: Does something to a note, and says what was done.
Change = Callable[[Session, User, Note], str]


@blueprint.get("/")
def index() -> str:
    """Show one of the lists."""
    user, session = require_user(), db.session()
    show = _show(request.args.get("show"))
    tag = (request.args.get("tag") or "").lower().removeprefix("#") or None
    words = request.args.get("q", "").strip()
    page = request.args.get("page", 1, type=int)
    found = list_notes(session, user, show, tag=tag, words=words, page=page)
    return render_template(
        "notes/list.html",
        show=show.value,
        words={one.value: words for one, words in WORDS.items()},
        found=found,
        tags=list_tags(session, user, show),
        tag=tag,
        q=words,
        previews={note.id: beginning_of(note.body) for note in found.notes},
        me=user,
        days=BIN_TIME.days,
        removed_at=removed_at,
    )


@blueprint.get("/<int:note_id>")
def view(note_id: int) -> str:
    """Show a note."""
    return note_page(note_id)


@blueprint.get("/<int:note_id>/raw")
def raw(note_id: int) -> Response:
    """Give the note as it was written."""
    note = read_note(note_id)
    return Response(markdown_of(note), mimetype="text/markdown")


@blueprint.post("/<int:note_id>/delete")
def delete(note_id: int) -> Redirect:
    """Put the note into its author's bin."""
    actor = current_actor()

    def change(session: Session, user: User, note: Note) -> str:
        operations.delete_note(session, actor, user, note)
        return f"The note is deleted. It can be restored here for {BIN_TIME.days} days."

    return _do(note_id, change)


@blueprint.post("/<int:note_id>/restore")
def restore(note_id: int) -> Redirect:
    """Take the note out of the bin."""
    user, actor = require_user(), current_actor()
    with db.write_transaction(db.session()) as session:
        confirm_login(session)
        operations.restore_note(session, actor, user, note_id)
    flash("The note is back.")
    return redirect(url_for(".view", note_id=note_id), code=303)


@blueprint.post("/<int:note_id>/pin")
def pin(note_id: int) -> Redirect:
    """Let the note stand first in its lists, or no longer."""
    on = bool(request.form.get("on"))

    def change(session: Session, user: User, note: Note) -> str:
        operations.set_flags(session, user, note, pinned=on)
        return "The note is pinned." if on else "The note is no longer pinned."

    return _do(note_id, change)


@blueprint.post("/<int:note_id>/archive")
def archive(note_id: int) -> Redirect:
    """Put the note away, or take it back out."""
    on = bool(request.form.get("on"))

    def change(session: Session, user: User, note: Note) -> str:
        operations.set_flags(session, user, note, archived=on)
        return "The note is archived." if on else "The note is back in its lists."

    return _do(note_id, change)


def _show(name: str | None) -> Show:
    try:
        return Show(name or Show.MINE)
    except ValueError:
        return Show.MINE


def _do(note_id: int, change: Change) -> Redirect:
    """Change the note if whoever asks for it may; say what was done, or why not."""
    user = require_user()
    try:
        with db.write_transaction(db.session()) as session:
            confirm_login(session)
            done = change(session, user, queries.get_note(session, user, note_id))
    except InvalidError as error:
        flash(error.reason, "error")
    else:
        flash(done)
    return redirect(url_for(".view", note_id=note_id), code=303)
