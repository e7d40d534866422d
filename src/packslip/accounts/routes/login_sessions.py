"""Where a user is logged in, and how that ends."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug import Response

from packslip import db
from packslip.accounts.current import (
    confirm_login,
    current_actor,
    current_login,
    forget_login,
    guard_users,
    require_user,
)
from packslip.accounts.login_sessions import (
    get_login_session,
    list_login_sessions,
    revoke_login_session,
    revoke_login_sessions,
)
from packslip.web.user_agents import describe_browser

blueprint = Blueprint("login_sessions", __name__, template_folder="../templates")
guard_users(blueprint)


@blueprint.get("/account/sessions/")
def index() -> str:
    """List the browsers in which the user is logged in, this one first."""
    current = current_login()
    sessions = list_login_sessions(db.session(), require_user())
    return render_template(
        "accounts/login_sessions.html",
        sessions=sorted(sessions, key=lambda login: login is not current),
        current=current,
        describe_browser=describe_browser,
    )


@blueprint.post("/account/sessions/<int:session_id>/revoke")
def revoke(session_id: int) -> Response:
    """End one session."""
    actor = current_actor()
    with db.write_transaction(db.session()) as session:
        current = confirm_login(session)
        login = get_login_session(session, current.user, session_id)
        is_here = login is current
        revoke_login_session(session, actor, login)
    if is_here:
        return _logged_out("You are logged out.")
    flash("That browser is logged out.")
    return redirect(url_for(".index"), code=303)


@blueprint.post("/account/sessions/revoke-others")
def revoke_others() -> Response:
    """End all sessions but this one."""
    actor = current_actor()
    with db.write_transaction(db.session()) as session:
        current = confirm_login(session)
        revoke_login_sessions(session, actor, current.user, keep=current)
    flash("You are logged in nowhere else any more.")
    return redirect(url_for(".index"), code=303)


@blueprint.post("/account/sessions/revoke-all")
def revoke_all() -> Response:
    """End all sessions, this one too."""
    actor = current_actor()
    with db.write_transaction(db.session()) as session:
        revoke_login_sessions(session, actor, confirm_login(session).user)
    return _logged_out("You are logged out everywhere.")


def _logged_out(message: str) -> Response:
    forget_login()
    flash(message)
    return redirect(url_for("login.log_in"), code=303)
