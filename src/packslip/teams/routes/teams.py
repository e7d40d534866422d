"""The pages of teams, for whoever has an account."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, url_for
from sqlalchemy.orm import Session
from werkzeug import Response
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired

from packslip import db
from packslip.accounts.current import (
    AdminsOnlyError,
    confirm_login,
    current_actor,
    guard_users,
    require_user,
)
from packslip.accounts.models import Role, User
from packslip.accounts.queries import get_user
from packslip.errors import InvalidError, NotFoundError
from packslip.events.operations import Actor
from packslip.packages.models import MaintainerRole
from packslip.packages.team_models import Team, TeamRole
from packslip.teams import giving, operations, queries
from packslip.teams.access import may_manage, require_team_manager
from packslip.web.forms import Form, read_form
from packslip.web.redirects import moved_permanently

blueprint = Blueprint("teams", __name__, template_folder="../templates", url_prefix="/teams")
guard_users(blueprint)

#: Who may do something, asked inside of the transaction in which it is done.
Rule = Callable[[Session, User, Team], None]
#: Does it, and says what was done.
Act = Callable[[Session, Actor, Team], str]
#: A page or redirect, perhaps with a status.
Answer = Response | tuple[str, int]


class TeamForm(Form):
    """A new team."""

    name = StringField(
        "Name",
        [InputRequired("Enter a name.")],
        description="Lower-case letters, digits and hyphens, such as data-platform.",
    )
    description = StringField("What it is for", description="One line. It may stay empty.")


class DescriptionForm(Form):
    """What a team is for."""

    description = StringField("What it is for", description="One line. It may stay empty.")


class PersonForm(Form):
    """The member beside whom the button stands."""

    username = StringField("Username", [InputRequired("Say who.")])


class MemberForm(Form):
    """Whom to take in, and as what."""

    username = StringField("Username", [InputRequired("Enter a username.")])
    role = SelectField(
        "As",
        id="member-role",
        choices={
            TeamRole.MEMBER.value: "member: looks after what the team does",
            TeamRole.MANAGER.value: "manager: also says who is in the team",
        },
    )


class TakenPrefixForm(Form):
    """The prefix beside which the button stands."""

    prefix = StringField("Prefix", [InputRequired("Say which prefix.")])


class PrefixForm(Form):
    """Which packages to give, and in which role."""

    prefix = StringField(
        "Prefix",
        [InputRequired("Enter a prefix.")],
        description="acme stands for the package acme and for all whose names begin with acme-.",
    )
    role = SelectField(
        "As",
        id="prefix-role",
        choices={
            MaintainerRole.MAINTAINER.value: "maintainer: uploads and yanks",
            MaintainerRole.OWNER.value: "owner: also says who looks after the packages",
        },
    )


@blueprint.get("/")
def index() -> str:
    """Show all teams."""
    return _index(TeamForm())


@blueprint.post("/")
def create() -> Answer:
    """Make a team."""
    form = read_form(TeamForm)
    if not form.validate():
        return _index(form), 400
    try:
        with db.write_transaction(db.session()) as session:
            _require_admin(session, confirm_login(session).user)
            made = operations.create_team(
                session, current_actor(), form.name.data or "", form.description.data or ""
            )
            name = made.name
    except InvalidError as error:
        form.fail(error)
        return _index(form), 400
    flash(f"The team {name} is there, and nobody is in it yet.")
    return redirect(url_for(".team", name=name), code=303)


@blueprint.get("/<name>/")
def team(name: str) -> str | Response:
    """Show who is in a team, and what it looks after."""
    if name != name.lower():
        return moved_permanently(url_for(".team", name=name.lower()))
    return _page(name)


@blueprint.post("/<name>/describe")
def describe(name: str) -> Answer:
    """Say what the team is for."""
    form = read_form(DescriptionForm)

    def act(session: Session, actor: Actor, found: Team) -> str:
        operations.describe_team(session, actor, found, form.description.data or "")
        return f"The team {found.name} is described anew."

    return _change(name, require_team_manager, act, form)


@blueprint.post("/<name>/add")
def add(name: str) -> Answer:
    """Take somebody into the team."""
    form = read_form(MemberForm)

    def act(session: Session, actor: Actor, found: Team) -> str:
        user, role = get_user(session, form.username.data or ""), TeamRole(form.role.data)
        member = operations.set_member(session, actor, found, user, role)
        return f"{user.username} is {member.role} of the team {found.name} now."

    return _change(name, require_team_manager, act, form)


@blueprint.post("/<name>/remove")
def remove(name: str) -> Answer:
    """Take somebody out of the team."""
    form = read_form(PersonForm)

    def act(session: Session, actor: Actor, found: Team) -> str:
        user = get_user(session, form.username.data or "")
        operations.remove_member(session, actor, found, user)
        return f"{user.username} is no longer in the team {found.name}."

    return _change(name, require_team_manager, act, form)


@blueprint.post("/<name>/leave")
def leave(name: str) -> Answer:
    """Leave the team."""
    me = require_user()

    def act(session: Session, actor: Actor, found: Team) -> str:
        operations.remove_member(session, actor, found, me)
        return f"You are no longer in the team {found.name}."

    return _change(name, lambda *_: None, act, Form())


@blueprint.post("/<name>/give-prefix")
def give_prefix(name: str) -> Answer:
    """Let the team look after all packages whose names begin so."""
    form = read_form(PrefixForm)

    def act(session: Session, actor: Actor, found: Team) -> str:
        role = MaintainerRole(form.role.data)
        prefix = giving.give_prefix(session, actor, found, form.prefix.data or "", role)
        return f"The team {found.name} is {role} of all packages under {prefix} now."

    return _change(name, _require_admin, act, form)


@blueprint.post("/<name>/take-prefix")
def take_prefix(name: str) -> Answer:
    """Let the team look after the packages whose names begin so no more."""
    form = read_form(TakenPrefixForm)

    def act(session: Session, actor: Actor, found: Team) -> str:
        prefix = giving.take_prefix(session, actor, found, form.prefix.data or "")
        return f"The team {found.name} no longer looks after all packages under {prefix}."

    return _change(name, _require_admin, act, form)


@blueprint.post("/<name>/delete")
def delete(name: str) -> Answer:
    """Remove the team."""

    def act(session: Session, actor: Actor, found: Team) -> str:
        giving.remove_team(session, actor, found)
        return f"The team {found.name} is removed."

    return _change(name, _require_admin, act, Form(), to_index=True)


def _require_admin(session: Session, user: User, found: Team | None = None) -> None:
    session.refresh(user)
    if user.role != Role.ADMIN:
        raise AdminsOnlyError


def _change(name: str, require: Rule, act: Act, form: Form, *, to_index: bool = False) -> Answer:
    """Do what the form asks for, if the rule allows it; show the page with what is wrong if not."""
    queries.get_team(db.session(), name)
    if not form.validate():
        return _page(name, form), 400
    try:
        with db.write_transaction(db.session()) as session:
            found = queries.get_team(session, name, lock=True)
            require(session, confirm_login(session).user, found)
            done = act(session, current_actor(), found)
    except (InvalidError, NotFoundError) as error:
        form.fail(error)
        return _page(name, form), 400
    flash(done)
    back = url_for(".index") if to_index else url_for(".team", name=name)
    return redirect(back, code=303)


def _index(form: TeamForm) -> str:
    return render_template(
        "teams/index.html",
        teams=queries.list_teams(db.session()),
        own={
            one.team_id: one.role for one in queries.list_memberships(db.session(), require_user())
        },
        is_admin=require_user().role == Role.ADMIN,
        form=form,
    )


def _page(name: str, failed: Form | None = None) -> str:
    """The page; with a form that failed, what is wrong with it and what was in it."""
    session, user = db.session(), require_user()
    found = queries.get_team(session, name)
    described = failed if isinstance(failed, DescriptionForm) else None
    return render_template(
        "teams/team.html",
        team=found,
        members=queries.list_members(session, found),
        own=queries.find_member(session, found, user),
        packages=queries.list_packages_given(session, found),
        prefixes=queries.list_prefixes_given(session, found),
        manages=may_manage(session, user, found),
        is_admin=user.role == Role.ADMIN,
        failed=failed,
        describe=described or DescriptionForm(data={"description": found.description}),
        add=failed if isinstance(failed, MemberForm) else MemberForm(),
        give=failed if isinstance(failed, PrefixForm) else PrefixForm(),
    )
