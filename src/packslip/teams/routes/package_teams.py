"""The page on which a package is given to teams."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, url_for
from packaging.utils import canonicalize_name
from sqlalchemy.orm import Session
from werkzeug import Response
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired

from packslip import db
from packslip.accounts.current import confirm_login, current_actor, guard_users, require_user
from packslip.errors import InvalidError, NotFoundError
from packslip.events.operations import Actor
from packslip.packages.access import require_maintainer, require_manager, rights_of
from packslip.packages.heads import read_head
from packslip.packages.models import MaintainerRole, Package
from packslip.packages.queries import get_package
from packslip.packages.roles import list_team_parts
from packslip.packages.team_models import Team
from packslip.teams import giving, queries
from packslip.web.forms import Form, read_form
from packslip.web.redirects import moved_permanently

blueprint = Blueprint(
    "package_teams",
    __name__,
    template_folder="../templates",
    url_prefix="/project/<name>/settings/teams",
)
guard_users(blueprint)

#: Does something with the package and the team, and says what was done.
Act = Callable[[Session, Actor, Package, Team], str]
#: A page or redirect, perhaps with a status.
Answer = Response | tuple[str, int]


class TakeForm(Form):
    """The team beside which the button stands."""

    team = StringField("Team", [InputRequired("Say which team.")])


class GiveForm(Form):
    """Which team, and as what."""

    team = StringField("Team", [InputRequired("Enter the name of a team.")])
    role = SelectField(
        "As",
        choices={
            MaintainerRole.MAINTAINER.value: "maintainer: uploads and yanks",
            MaintainerRole.OWNER.value: "owner: also says who looks after the package",
        },
    )


@blueprint.get("/")
def index(name: str) -> str | Response:
    """Show the teams that look after the package."""
    normalized = canonicalize_name(name)
    if normalized != name:
        return moved_permanently(url_for(".index", name=normalized))
    return _page(name)


@blueprint.post("/give")
def give(name: str) -> Answer:
    """Let a team look after the package, or change in which role it does."""
    form = read_form(GiveForm)

    def act(session: Session, actor: Actor, package: Package, team: Team) -> str:
        role = MaintainerRole(form.role.data)
        giving.give_package(session, actor, team, package, role)
        return f"The team {team.name} is {role} of {package.name} now."

    return _change(name, form.team, act, form)


@blueprint.post("/take")
def take(name: str) -> Answer:
    """Let a team look after the package no more."""
    form = read_form(TakeForm)

    def act(session: Session, actor: Actor, package: Package, team: Team) -> str:
        giving.take_package(session, actor, team, package)
        return f"The team {team.name} no longer looks after {package.name}."

    return _change(name, form.team, act, form)


def _change(name: str, team: StringField, act: Act, form: Form) -> Answer:
    user = require_user()
    if not form.validate():
        return _page(name, form), 400
    try:
        with db.write_transaction(db.session()) as session:
            package = get_package(session, name, lock=True)
            confirm_login(session)
            require_manager(session, user, package)
            found = queries.get_team(session, team.data or "", lock=True)
            done = act(session, current_actor(), package, found)
            stays = rights_of(session, user, package).maintain
            package_id = package.id
    except (InvalidError, NotFoundError) as error:
        form.fail(error)
        return _page(name, form), 400
    flash(done)
    endpoint = ".index" if stays else "site.package"
    return redirect(url_for(endpoint, name=package_id), code=303)


def _page(name: str, failed: Form | None = None) -> str:
    session, user = db.session(), require_user()
    package = get_package(session, name)
    require_maintainer(session, user, package)
    return render_template(
        "teams/package.html",
        head=read_head(session, user, package.id),
        rights=rights_of(session, user, package),
        teams=list_team_parts(session, package),
        failed=failed,
        give=failed if isinstance(failed, GiveForm) else GiveForm(),
    )
