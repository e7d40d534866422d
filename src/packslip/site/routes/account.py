"""A user's own overview: what waits for them, what they look after, what happened."""

from __future__ import annotations

from functools import partial

from flask import Blueprint, flash, redirect, render_template, url_for
from sqlalchemy.orm import Session
from werkzeug import Response

from packslip import db
from packslip.accounts.current import confirm_login, current_actor, guard_users, require_user
from packslip.accounts.login_sessions import list_login_sessions
from packslip.accounts.models import User
from packslip.accounts.queries import is_valid, list_tokens
from packslip.accounts.second_factors import has_second_factor
from packslip.events.history import History, read_history
from packslip.events.models import Event
from packslip.events.queries import list_user_events
from packslip.packages.maintainer_invitations import (
    accept_invitation,
    decline_invitation,
    has_lapsed,
)
from packslip.packages.models import PackageInvitation
from packslip.packages.queries import (
    get_package,
    list_invitations_of,
    package_latest_release,
)
from packslip.packages.roles import list_parts
from packslip.teams.queries import list_memberships

blueprint = Blueprint("account", __name__, template_folder="../templates", url_prefix="/account")
guard_users(blueprint)


@blueprint.get("/")
def overview() -> str:
    """Show who you are here, what waits for you, what you look after and what happened."""
    session, user = db.session(), require_user()
    return render_template(
        "site/account.html",
        user=user,
        invitations=_invitations(session, user),
        teams=list_memberships(session, user),
        packages=[
            (one, package_latest_release(one.package.releases)) for one in list_parts(session, user)
        ],
        second_factor=has_second_factor(session, user),
        session_count=len(list_login_sessions(session, user)),
        token_count=sum(map(is_valid, list_tokens(session, user))),
        history=_history(session, user),
    )


@blueprint.post("/invitations/<name>/accept")
def accept(name: str) -> Response:
    """Take the part in the package that one was offered."""
    user, actor = require_user(), current_actor()
    with db.write_transaction(db.session()) as session:
        package = get_package(session, name, lock=True)
        confirm_login(session)
        role = accept_invitation(session, actor, package, user)
        done = f"You are {role} of {package.name} now."
    flash(done)
    return redirect(url_for(".overview"), code=303)


@blueprint.post("/invitations/<name>/decline")
def decline(name: str) -> Response:
    """Refuse the part in the package that one was offered."""
    user, actor = require_user(), current_actor()
    with db.write_transaction(db.session()) as session:
        package = get_package(session, name, lock=True)
        confirm_login(session)
        decline_invitation(session, actor, package, user)
        done = f"You declined the invitation to {package.name}."
    flash(done)
    return redirect(url_for(".overview"), code=303)


def _invitations(session: Session, user: User) -> list[PackageInvitation]:
    invitations = list_invitations_of(session, user)
    return [invitation for invitation in invitations if not has_lapsed(session, invitation)]


def _history(session: Session, user: User) -> History:
    def show_address(event: Event) -> bool:
        # From where others acted is not the user's business, unless nobody knows who that was.
        return event.actor_id in (None, user.id)

    return read_history(partial(list_user_events, session, user.id), show_address=show_address)
