"""The audit log."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from urllib.parse import urlencode

from flask import Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from wtforms import SelectField, StringField

from packslip import db
from packslip.accounts.queries import find_user
from packslip.errors import InvalidError
from packslip.events.export import export_events
from packslip.events.filters import read_filter
from packslip.events.history import read_history
from packslip.events.models import Action
from packslip.events.queries import EventFilter, list_events
from packslip.site.routes.admin.shared import blueprint
from packslip.web.forms import Form

_THINGS = list(dict.fromkeys(action.partition(".")[0] for action in Action))


class UnknownSubjectError(InvalidError):
    """Events can be about users alone."""

    field = "subject"

    def __init__(self, username: str) -> None:
        super().__init__(f"There is no user {username!r}.")


class EventForm(Form):
    """Which events are wanted."""

    actor = StringField("By whom")
    subject = StringField("About whom")
    package = StringField("Package")
    action = SelectField(
        "What was done",
        choices={
            "": "anything",
            "All about one thing": {f"{thing}.*": f"{thing}.*" for thing in _THINGS},
            "One act": {action.value: action.value for action in Action},
        },
    )
    address = StringField("Address")
    since = StringField("From", description="Such as 2026-01-31, in UTC.")
    until = StringField("To", description="Inclusive.")

    @property
    def given(self) -> dict[str, str]:
        """What was filled in."""
        texts = {field.name: (field.data or "").strip() for field in self}
        return {name: text for name, text in texts.items() if text}


@blueprint.get("/events")
def events() -> ResponseReturnValue:
    """List the newest events, or the newest that are looked for."""
    session, form = db.session(), EventForm(request.args)
    try:
        wanted = _wanted(session, form)
    except InvalidError as error:
        form.fail(error)
        return render_template("site/admin_events.html", form=form, history=None), 400
    history = read_history(partial(list_events, session, wanted))
    export = f"{url_for('.export')}?{urlencode(form.given)}".rstrip("?")
    return render_template("site/admin_events.html", form=form, history=history, export=export)


@blueprint.get("/events.jsonl")
def export() -> Response:
    """All events, or all that are looked for, as JSON lines; the oldest first."""
    wanted = _wanted(db.session(), EventForm(request.args))
    # The request's session is closed before the last line is sent.
    own = Session(db.db.engine)
    answer = Response(export_events(own, wanted), mimetype="application/x-ndjson")
    answer.call_on_close(own.close)
    answer.headers["Content-Disposition"] = 'attachment; filename="events.jsonl"'
    return answer


def _wanted(session: Session, form: EventForm) -> EventFilter:
    given = form.given
    subject = given.pop("subject", None)
    wanted = read_filter(**given)
    if subject is None:
        return wanted
    user = find_user(session, subject)
    if user is None:
        raise UnknownSubjectError(subject)
    return replace(wanted, subject_id=user.id)
