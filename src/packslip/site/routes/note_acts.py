"""Lifting what a note does, and letting it act again: each is confirmed on a page of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug import Response

from packslip import db
from packslip.accounts.current import confirm_login, current_actor, guard_users, require_user
from packslip.accounts.models import User
from packslip.errors import InvalidError
from packslip.events.operations import Actor
from packslip.notes import queries
from packslip.notes.acts import lift_act, require_liftable, require_resumable, resume_act
from packslip.notes.errors import NotActingError
from packslip.notes.models import Note
from packslip.notes.rehearsal import rehearse_lift, rehearse_resume
from packslip.notes.routes.shared import read_note
from packslip.site.act_pages import page_of

blueprint = Blueprint("note_acts", __name__, template_folder="../templates", url_prefix="/notes")
guard_users(blueprint)

#: A page or redirect, perhaps with a status.
Answer = str | Response | tuple[str, int]
#: Lifts an act, or lets it act again.
Change = Callable[[Session, Actor, User | None, Note], Note]


@blueprint.route("/<int:note_id>/lift", methods=["GET", "POST"])
def lift(note_id: int) -> Answer:
    """End what the note does."""
    return _answer(note_id, lift_act, "lift", "The note acts no more.")


@blueprint.route("/<int:note_id>/resume", methods=["GET", "POST"])
def resume(note_id: int) -> Answer:
    """Let the note act again as it did."""
    return _answer(note_id, resume_act, "resume", "The note acts again.")


def _answer(note_id: int, change: Change, what: str, done: str) -> Answer:
    user, actor, session = require_user(), current_actor(), db.session()
    note = read_note(note_id)

    def run() -> Note:
        confirm_login(session)
        return change(session, actor, user, queries.get_note(session, user, note_id))

    try:
        if request.method == "GET":
            return _confirm(user, note, what)
        if request.form.get("edition") != str(note.edition):
            return _confirm(user, note, what, changed=True), 409
        with db.write_transaction(session):
            run()
    except InvalidError as error:
        flash(error.reason, "error")
    else:
        flash(done)
    return redirect(url_for("notes.view", note_id=note_id), code=303)


def _confirm(user: User, note: Note, what: str, **more: Any) -> str:
    session = db.session()
    if what == "lift":
        require_liftable(session, user, note)
        rehearsed = rehearse_lift(session, note)
    else:
        require_resumable(session, user, note)
        rehearsed = rehearse_resume(session, note, user.username)
    if rehearsed is None:
        raise NotActingError(note.id, "acts as it would then")
    return render_template(
        "site/act_change.html",
        note=note,
        what=what,
        **page_of(session, user, rehearsed),
        **more,
    )
