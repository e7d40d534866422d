"""Archiving a package, and lifting what acts on it, on its settings page."""

from __future__ import annotations

from flask import Blueprint
from sqlalchemy.orm import Session

from packslip.accounts.current import guard_users, require_user
from packslip.events.operations import Actor
from packslip.notes.acts import lift_act
from packslip.notes.archiving import archive_package, unarchive_package
from packslip.notes.errors import UnknownNoteError
from packslip.notes.queries import get_note
from packslip.packages.access import require_maintainer
from packslip.packages.models import Package
from packslip.packages.routes.settings import ActForm, Answer, ArchiveForm, change
from packslip.web.forms import Form, read_form

blueprint = Blueprint("package_acts", __name__, url_prefix="/project/<name>/settings")
guard_users(blueprint)


@blueprint.post("/archive")
def archive(name: str) -> Answer:
    """Archive the package by a note."""
    form, me = read_form(ArchiveForm), require_user()

    def act(session: Session, actor: Actor, package: Package) -> str:
        note = archive_package(session, actor, me, package, form.title.data or "")
        return f"{package.name} is archived by note {note.id}."

    return change(name, require_maintainer, act, form)


@blueprint.post("/unarchive")
def unarchive(name: str) -> Answer:
    """Lift the notes that archive the package."""
    me = require_user()

    def act(session: Session, actor: Actor, package: Package) -> str:
        unarchive_package(session, actor, me, package)
        return f"{package.name} is {package.status} now."

    return change(name, require_maintainer, act, Form())


@blueprint.post("/lift")
def lift(name: str) -> Answer:
    """Lift what one note does to the package."""
    form, me = read_form(ActForm), require_user()

    def act(session: Session, actor: Actor, package: Package) -> str:
        number = form.note.data or 0
        note = get_note(session, me, number)
        if note.package_id != package.id:
            raise UnknownNoteError(number)
        lift_act(session, actor, me, note)
        return f"The note {note.id} no longer acts on {package.name}."

    return change(name, require_maintainer, act, form)
