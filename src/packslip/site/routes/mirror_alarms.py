"""Looking into what upstream changed: a note is made of an alarm, or it is dismissed."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from werkzeug import Response

from packslip import db
from packslip.accounts.current import confirm_login, current_actor, guard_users, require_user
from packslip.site import alarm_notes

blueprint = Blueprint("mirror_alarms", __name__, url_prefix="/mirror/alarms")
guard_users(blueprint)


@blueprint.post("/<int:alarm_id>/note")
def note(alarm_id: int) -> Response:
    """Make a note of the alarm, and open it in the editor."""
    user, actor, event_id = require_user(), current_actor(), _event_id()
    with db.write_transaction(db.session()) as session:
        confirm_login(session)
        note_id = alarm_notes.make_note(session, actor, user, alarm_id, event_id).id
    flash("The note is saved for the team. Add what you found, or let it act.")
    return redirect(url_for("note_editor.edit", note_id=note_id), code=303)


@blueprint.post("/<int:alarm_id>/dismiss")
def dismiss(alarm_id: int) -> Response:
    """Settle the alarm without a note."""
    user, actor, event_id = require_user(), current_actor(), _event_id()
    with db.write_transaction(db.session()) as session:
        confirm_login(session)
        alarm_notes.dismiss(session, actor, user, alarm_id, event_id)
    flash("The alarm is dismissed.")
    return redirect(url_for("mirror.index"), code=303)


def _event_id() -> int:
    """The latest event that the reader was shown; what is none is never that of an alarm."""
    text = request.form.get("event", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
