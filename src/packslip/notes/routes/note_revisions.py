"""What a note was like before."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from sqlalchemy.orm import Session
from werkzeug import Response

from packslip import db
from packslip.accounts.current import confirm_login, current_actor, guard_users, require_user
from packslip.accounts.models import User
from packslip.notes import access, operations, queries
from packslip.notes.differences import difference
from packslip.notes.errors import UnknownRevisionError
from packslip.notes.forms import words_of
from packslip.notes.lists import list_saves
from packslip.notes.mentions import find_in
from packslip.notes.models import Note, NoteRevision
from packslip.notes.rendering import render_note
from packslip.notes.routes.shared import read_note

blueprint = Blueprint(
    "note_revisions",
    __name__,
    template_folder="../templates",
    url_prefix="/notes/<int:note_id>/revisions",
)
guard_users(blueprint)


@blueprint.get("/")
def index(note_id: int) -> str:
    """List the revisions."""
    note = read_note(note_id)
    revisions = list_saves(db.session(), require_user(), note)
    return render_template("notes/revisions.html", note=note, revisions=revisions)


@blueprint.get("/<int:number>")
def view(note_id: int, number: int) -> str:
    """Show a revision, and what it changed."""
    note, session, me = read_note(note_id), db.session(), require_user()
    revision = queries.get_revision(session, me, note, number)
    older = _find(session, me, note, number - 1)
    return render_template(
        "notes/revision.html",
        note=note,
        revision=revision,
        older=older,
        newer=number + 1 if number < note.edition else None,
        may_edit=access.may_edit(session, me, note),
        facts=facts_of(revision),
        lines=[] if older is None else difference(older.body, revision.body),
        text=render_note(revision.body, find_in(session, me)),
    )


@blueprint.post("/<int:number>/restore")
def restore(note_id: int, number: int) -> Response:
    """Save the note with the title and text of a revision."""
    user, actor = require_user(), current_actor()
    with db.write_transaction(db.session()) as session:
        confirm_login(session)
        note = queries.get_note(session, user, note_id)
        edition = note.edition
        operations.restore_revision(session, actor, user, note, number, edition=edition)
    flash(f"The note says again what revision {number} said.")
    return redirect(url_for("notes.view", note_id=note_id), code=303)


def _find(session: Session, user: User, note: Note, number: int) -> NoteRevision | None:
    try:
        return queries.get_revision(session, user, note, number)
    except UnknownRevisionError:
        return None


def facts_of(revision: NoteRevision) -> str:
    """Who could see it, and what it hung on, as sentences."""
    on = ""
    if revision.package_id is not None:
        versions = f" {revision.version_range}" if revision.version_range else ""
        on = f" On {revision.package_id}{versions}."
    return words_of(revision.visibility) + on
