"""Users, as admins see them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from wtforms import SelectField

from packslip import db
from packslip.accounts import site_roles
from packslip.accounts.current import require_admin
from packslip.accounts.factor_operations import remove_second_factors
from packslip.accounts.login_sessions import list_login_sessions, revoke_login_sessions
from packslip.accounts.models import Role, User
from packslip.accounts.queries import count_valid_tokens, get_user
from packslip.accounts.recovery import make_reset_link
from packslip.accounts.second_factors import has_second_factor
from packslip.errors import InvalidError
from packslip.events.history import read_history
from packslip.events.operations import Actor
from packslip.events.queries import list_user_events
from packslip.packages.roles import list_parts
from packslip.site.admin_queries import search_users
from packslip.site.routes.admin.shared import admin_transaction, blueprint
from packslip.web.forms import Form

#: Users on a page.
PAGE = 50

#: Changes the user and says what was done.
Change = Callable[[Session, Actor, User], str]


class RoleForm(Form):
    """What a user may do on the site."""

    role = SelectField("Role", choices={role.value: role.value for role in Role})


@blueprint.get("/users/")
def users() -> str:
    """List the users, or those that are looked for."""
    text, after = request.args.get("q", "").strip(), request.args.get("after")
    rows = search_users(db.session(), text, after, PAGE + 1)
    more = rows[PAGE - 1].user.username if len(rows) > PAGE else None
    return render_template(
        "site/admin_users.html", rows=rows[:PAGE], text=text, after=after, more=more
    )


@blueprint.get("/users/<username>/")
def user(username: str) -> str:
    """Show all that concerns one user, and what can be changed."""
    return _page(username)


@blueprint.post("/users/<username>/role")
def set_role(username: str) -> ResponseReturnValue:
    """Give the user another role."""
    form = RoleForm(request.form)
    if not form.validate():
        return _page(username, str(form.faults[0][1])), 400
    return _change(username, partial(_set_role, role=Role(form.role.data)))


@blueprint.post("/users/<username>/disable")
def disable(username: str) -> ResponseReturnValue:
    """Disable the user."""
    return _change(username, _disable)


@blueprint.post("/users/<username>/enable")
def enable(username: str) -> ResponseReturnValue:
    """Enable the user."""
    return _change(username, _enable)


@blueprint.post("/users/<username>/end-sessions")
def end_sessions(username: str) -> ResponseReturnValue:
    """Log the user out everywhere."""
    return _change(username, _end_sessions)


@blueprint.post("/users/<username>/remove-second-factors")
def drop_second_factors(username: str) -> ResponseReturnValue:
    """Remove the second factors of a user who lost them."""
    return _change(username, _remove_second_factors)


@blueprint.post("/users/<username>/reset-link")
def reset_link(username: str) -> ResponseReturnValue:
    """Make a link with which the user sets a password, and show it this once."""
    try:
        with admin_transaction() as (session, actor):
            found = get_user(session, username)
            link = make_reset_link(session, actor, found)
    except InvalidError as error:
        return _page(username, error.reason), 400
    return render_template("site/admin_reset_link.html", account=found, link=link)


def _change(username: str, change: Change) -> ResponseReturnValue:
    try:
        with admin_transaction() as (session, actor):
            found = get_user(session, username)
            back = url_for(".user", username=found.username)
            done = change(session, actor, found)
    except InvalidError as error:
        return _page(username, error.reason), 400
    flash(done)
    return redirect(back, code=303)


def _page(username: str, fault: str | None = None) -> str:
    session = db.session()
    found = get_user(session, username)
    return render_template(
        "site/admin_user.html",
        account=found,
        fault=fault,
        is_self=found.id == require_admin().id,
        role_form=RoleForm(data={"role": found.role}),
        second_factor=has_second_factor(session, found),
        packages=list_parts(session, found),
        session_count=len(list_login_sessions(session, found)),
        token_count=count_valid_tokens(session, found),
        history=read_history(
            partial(list_user_events, session, found.id),
            path=url_for(".user", username=found.username),
        ),
    )


def _set_role(session: Session, actor: Actor, user: User, role: Role) -> str:
    site_roles.set_role(session, actor, user, role)
    return f"The role of {user.username} is {role} now."


def _disable(session: Session, actor: Actor, user: User) -> str:
    site_roles.disable_user(session, actor, user)
    return f"{user.username} is disabled and logged out everywhere."


def _enable(session: Session, actor: Actor, user: User) -> str:
    site_roles.enable_user(session, actor, user)
    return f"{user.username} is enabled."


def _end_sessions(session: Session, actor: Actor, user: User) -> str:
    revoke_login_sessions(session, actor, user)
    return f"{user.username} is logged out everywhere."


def _remove_second_factors(session: Session, actor: Actor, user: User) -> str:
    remove_second_factors(session, actor, user)
    return f"{user.username} has no second factor any more."
