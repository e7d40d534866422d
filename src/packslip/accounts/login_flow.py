"""From a right password to a browser that is logged in, over a second factor where there is one."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from flask import redirect, request, session, url_for
from werkzeug import Response

from packslip import db
from packslip.accounts.current import begin_login
from packslip.accounts.identity import Identity, WrongCredentialsError, confirm
from packslip.accounts.local_login import require_local_login
from packslip.accounts.models import User
from packslip.accounts.second_factors import has_second_factor
from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.web.next_page import safe_next

#: How long somebody who gave the password may take to give the second factor.
PATIENCE = timedelta(minutes=10)

#: What the audit log says of somebody who came through the provider of identities.
SINGLE_SIGN_ON = "single sign-on"

_PENDING = "pending-login"
_LEFT = "left-provider"


def after_password(user: User) -> Response:
    """Log the user in whose password was right, or ask for the second factor first.

    Raises:
        ProviderOnlyError: passwords of this index are for admins alone.
    """
    require_local_login(user)
    return after_proof(user, "password", safe_next(""))


def after_proof(
    user: User, method: str, goal: str, *, needs_second_factor: bool = True
) -> Response:
    """Log the user in who proved by `method` who they are, or ask for the second factor first.

    `goal` is the path to which the browser goes then, safe already; it may be empty.
    """
    if not needs_second_factor or not has_second_factor(db.session(), user):
        return log_in(user, method, goal)
    session.clear()
    session[_PENDING] = {
        "user": user.id,
        "method": method,
        "password": _fingerprint(user),
        "at": datetime.now(UTC).timestamp(),
        "next": goal,
    }
    return redirect(url_for("second_factor.ask"), code=303)


def pending_method() -> str:
    """What the user of `pending_user` proved already."""
    return str((session.get(_PENDING) or {}).get("method", "password"))


def pending_user() -> User | None:
    """Who gave the right password, or came through the provider, a short while ago.

    They have given nothing else in this browser yet.
    """
    pending = session.get(_PENDING)
    if not isinstance(pending, dict):
        return None
    if datetime.now(UTC).timestamp() - pending["at"] > PATIENCE.total_seconds():
        return None
    user = db.session().get(User, pending["user"])
    if user is None or user.disabled_at is not None or pending["password"] != _fingerprint(user):
        return None
    return user


def log_in(user: User, method: str, goal: str = "") -> Response:
    """Log the user in and send the browser on to where it wanted to go.

    `method` says for the audit log what proved who they are: `password`, `password and code`, …
    `goal` is a safe path, if it is known.

    Raises:
        WrongCredentialsError: the user was disabled or got another password in this very moment.
    """
    pending = session.get(_PENDING) or {}
    goal = goal or pending.get("next") or safe_next("/")
    checked = _fingerprint(user)
    with db.write_transaction(db.session()) as transaction:
        confirm(transaction, Identity(user))
        if _fingerprint(user) != checked:
            raise WrongCredentialsError
        user.last_login = datetime.now(UTC)
        begin_login(user, method)
        actor = Actor(user.username, user_id=user.id, ip_address=request.remote_addr)
        data = {"method": method, "user_agent": request.headers.get("User-Agent", "")[:400]}
        record(transaction, actor, Action.USER_LOG_IN, subject_id=user.id, data=data)
    return redirect(goal, code=303)


def note_left() -> None:
    """Remember, in this browser, that somebody logged out who came through the provider."""
    session[_LEFT] = True


def has_left() -> bool:
    """Whether somebody did so, in this browser, since its last page."""
    return session.pop(_LEFT, False) is True


def _fingerprint(user: User) -> str:
    # A password that is changed meanwhile ends the log-in that began with the old one.
    return hashlib.sha256((user.hashed_password or "").encode()).hexdigest()
