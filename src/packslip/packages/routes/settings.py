"""The settings of a package: who looks after it, its yanks and acts, what happened to it.

Yanks and acts themselves are made by notes, so their routes are there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from flask import Blueprint, flash, redirect, render_template, url_for
from packaging.utils import canonicalize_name
from sqlalchemy.orm import Session
from werkzeug import Response
from wtforms import IntegerField, SelectField, StringField
from wtforms.validators import InputRequired

from packslip import db
from packslip.accounts.current import confirm_login, current_actor, guard_users, require_user
from packslip.accounts.models import Token, User
from packslip.accounts.queries import get_user, is_valid, list_tokens
from packslip.errors import InvalidError, NotFoundError
from packslip.events.history import History, read_history
from packslip.events.operations import Actor
from packslip.events.queries import list_package_events
from packslip.packages import maintainer_invitations, operations, queries
from packslip.packages.access import Rights, require_maintainer, require_manager, rights_of
from packslip.packages.heads import read_head
from packslip.packages.models import Maintainer, MaintainerRole, Package
from packslip.packages.roles import list_team_parts
from packslip.web.forms import Form, read_form
from packslip.web.redirects import moved_permanently

blueprint = Blueprint(
    "package_settings",
    __name__,
    template_folder="../templates",
    url_prefix="/project/<name>/settings",
)
guard_users(blueprint)

#: Who may do something, asked inside of the transaction in which it is done.
Rule = Callable[[Session, User, Package], None]
#: Does it, and says what was done.
Act = Callable[[Session, Actor, Package], str]
#: A page or redirect, perhaps with a status.
Answer = Response | tuple[str, int]


class PersonForm(Form):
    """One of the people beside whom the button stands."""

    username = StringField("Username", [InputRequired("Say who.")])


class RoleForm(PersonForm):
    """The same with a role."""

    role = SelectField("Role", choices={role.value: role.value for role in MaintainerRole})


class InviteForm(Form):
    """Whom to invite, and as what."""

    username = StringField("Username", [InputRequired("Enter a username.")])
    role = SelectField(
        "As",
        choices={
            MaintainerRole.MAINTAINER.value: "maintainer: uploads and yanks",
            MaintainerRole.OWNER.value: "owner: also says who looks after the package",
        },
    )


class HeirForm(Form):
    """Who becomes the owner in the place of the one who asks."""

    heir = SelectField("New owner", validate_choice=False)


class ReleaseForm(Form):
    """The release beside which the button stands."""

    version = StringField("Release", [InputRequired("Say which release.")])


class YankForm(Form):
    """Which release to yank, and why."""

    version = SelectField("Release", validate_choice=False)
    reason = StringField("Reason", description="One line that installers show. It may stay empty.")


class ArchiveForm(Form):
    """Why the package is archived."""

    title = StringField(
        "Why", description="One line that people and tools show, such as “acme-money replaces it”."
    )


class ActForm(Form):
    """The note beside which the button stands."""

    note = IntegerField("Note", [InputRequired("Say which note.")])


@blueprint.get("/")
def index(name: str) -> str | Response:
    """Show the settings."""
    normalized = canonicalize_name(name)
    if normalized != name:
        return moved_permanently(url_for("package_settings.index", name=normalized))
    return _page(normalized)


@blueprint.post("/invite")
def invite(name: str) -> Answer:
    """Invite somebody to look after the package."""
    form, me = read_form(InviteForm), require_user()

    def act(session: Session, actor: Actor, package: Package) -> str:
        user, role = get_user(session, form.username.data or ""), MaintainerRole(form.role.data)
        maintainer_invitations.invite_maintainer(session, actor, package, user, role, invited_by=me)
        return f"{user.username} is invited to become {role}, and finds that on their account page."

    return change(name, require_manager, act, form)


@blueprint.post("/withdraw")
def withdraw(name: str) -> Answer:
    """Take an invitation back."""
    form = read_form(PersonForm)

    def act(session: Session, actor: Actor, package: Package) -> str:
        user = get_user(session, form.username.data or "")
        maintainer_invitations.withdraw_invitation(session, actor, package, user)
        return f"The invitation of {user.username} is withdrawn."

    return change(name, require_manager, act, form)


@blueprint.post("/role")
def change_role(name: str) -> Answer:
    """Make an owner of a maintainer, or the other way round."""
    form = read_form(RoleForm)

    def act(session: Session, actor: Actor, package: Package) -> str:
        user, role = get_user(session, form.username.data or ""), MaintainerRole(form.role.data)
        # Nobody comes to look after a package without being asked.
        queries.get_maintainer(session, package, user)
        operations.set_maintainer(session, actor, package, user, role)
        return f"{user.username} is {role} now."

    return change(name, require_manager, act, form)


@blueprint.post("/remove")
def remove(name: str) -> Answer:
    """End somebody's part in the package."""
    form = read_form(PersonForm)

    def act(session: Session, actor: Actor, package: Package) -> str:
        user = get_user(session, form.username.data or "")
        operations.remove_maintainer(session, actor, package, user)
        return f"{user.username} no longer looks after {package.name}."

    return change(name, require_manager, act, form)


@blueprint.post("/leave")
def leave(name: str) -> Answer:
    """End one's own part in the package."""
    me = require_user()

    def act(session: Session, actor: Actor, package: Package) -> str:
        operations.remove_maintainer(session, actor, package, me)
        return f"You no longer look after {package.name}."

    return change(name, require_maintainer, act, Form())


@blueprint.post("/hand-over")
def hand_over(name: str) -> Answer:
    """Let somebody else be the owner in one's own place."""
    form, me = read_form(HeirForm), require_user()

    def act(session: Session, actor: Actor, package: Package) -> str:
        heir = get_user(session, form.heir.data or "")
        operations.hand_over(session, actor, package, me, heir)
        return f"{heir.username} owns {package.name} now, and you are a maintainer."

    return change(name, require_maintainer, act, form)


def change(name: str, require: Rule, act: Act, form: Form) -> Answer:
    """Do what the form asks for, if the rule allows it; show the page with what is wrong if not."""
    user, actor = require_user(), current_actor()
    if not form.validate():
        return _page(name, form), 400
    try:
        with db.write_transaction(db.session()) as session:
            package = queries.get_package(session, name, lock=True)
            confirm_login(session)
            require(session, user, package)
            done = act(session, actor, package)
            stays = rights_of(session, user, package).maintain
            package_id = package.id
    except (InvalidError, NotFoundError) as error:
        form.fail(error)
        return _page(name, form), 400
    flash(done)
    endpoint = "package_settings.index" if stays else "site.package"
    return redirect(url_for(endpoint, name=package_id), code=303)


def _page(name: str, failed: Form | None = None) -> str:
    """The page; with a form that failed, what is wrong with it and what was in it."""
    session, user = db.session(), require_user()
    package = queries.get_package(session, name)
    require_maintainer(session, user, package)
    rights = rights_of(session, user, package)
    people = queries.list_maintainers(session, package)
    invitations = [
        (invitation, maintainer_invitations.has_lapsed(session, invitation))
        for invitation in queries.list_package_invitations(session, package)
    ]
    own = next((one for one in people if one.user_id == user.id), None)
    return render_template(
        "packages/settings.html",
        head=read_head(session, user, package.id),
        package=package,
        rights=rights,
        own=own,
        is_only_owner=own is not None and queries.is_only_owner(session, own),
        people=people,
        teams=list_team_parts(session, package),
        invitations=invitations,
        failed=failed,
        invite=failed if isinstance(failed, InviteForm) else InviteForm(),
        heirs=_heir_form(failed, people, own),
        yank=_yank_form(failed, package),
        archive=failed if isinstance(failed, ArchiveForm) else ArchiveForm(),
        tokens=_tokens_for(session, user, package),
        is_valid=is_valid,
        history=_history(session, package, rights),
    )


def _heir_form(
    failed: Form | None, people: Sequence[Maintainer], own: Maintainer | None
) -> HeirForm | None:
    heirs = [one.user for one in people if one is not own and one.user.disabled_at is None]
    if own is None or own.role != MaintainerRole.OWNER or not heirs:
        return None
    form = failed if isinstance(failed, HeirForm) else HeirForm()
    form.heir.choices = {user.username: user.username for user in heirs}
    return form


def _yank_form(failed: Form | None, package: Package) -> YankForm:
    form = failed if isinstance(failed, YankForm) else YankForm()
    form.version.choices = {
        release.version: f"{release.version} (yanked)" if release.yanked else release.version
        for release in package.releases
    }
    return form


def _tokens_for(session: Session, user: User, package: Package) -> list[Token]:
    return [token for token in list_tokens(session, user) if package.id in (token.packages or ())]


def _history(session: Session, package: Package, rights: Rights) -> History:
    return read_history(
        partial(list_package_events, session, package.id),
        show_address=lambda event: rights.manage,
        path=url_for("package_settings.index", name=package.id),
    )
