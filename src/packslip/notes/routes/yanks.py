"""The yank buttons on a package's settings page."""

from __future__ import annotations

from flask import Blueprint
from sqlalchemy.orm import Session

from packslip.accounts.current import guard_users, require_user
from packslip.events.operations import Actor
from packslip.notes import yanks
from packslip.packages import queries
from packslip.packages.access import require_maintainer
from packslip.packages.models import Package
from packslip.packages.routes.settings import Answer, ReleaseForm, YankForm, change
from packslip.web.forms import read_form

blueprint = Blueprint("yanks", __name__, url_prefix="/project/<name>/settings")
guard_users(blueprint)


@blueprint.post("/yank")
def yank(name: str) -> Answer:
    """Yank a release by a note."""
    form, me = read_form(YankForm), require_user()

    def act(session: Session, actor: Actor, package: Package) -> str:
        release = queries.get_release(session, package, form.version.data or "")
        note = yanks.yank_release(session, actor, me, release, form.reason.data or "")
        return f"{package.name} {release.version} is yanked by note {note.id}."

    return change(name, require_maintainer, act, form)


@blueprint.post("/unyank")
def unyank(name: str) -> Answer:
    """Lift the notes that yank exactly this release."""
    form, me = read_form(ReleaseForm), require_user()

    def act(session: Session, actor: Actor, package: Package) -> str:
        release = queries.get_release(session, package, form.version.data or "")
        yanks.unyank_release(session, actor, me, release)
        return yanks.yank_left(release)

    return change(name, require_maintainer, act, form)
