"""Who is logged in, in the browser that sends this request."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import cast

import structlog
from flask import Blueprint, Flask, Response, abort, redirect, request, session, url_for
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from packslip import db
from packslip.accounts.login_sessions import (
    SEEN_PRECISION,
    find_login_session,
    note_seen,
    start_login_session,
)
from packslip.accounts.models import LoginSession, Role, User
from packslip.errors import NotAllowedError, UnavailableError
from packslip.events.operations import Actor

_SECRET = "login"
_CACHE = "packslip.login"

log = structlog.get_logger(__name__)


class AdminsOnlyError(NotAllowedError):
    """The page is for admins."""

    def __init__(self) -> None:
        super().__init__("This page is for the admins of this index.")


def current_login() -> LoginSession | None:
    """The session that the browser's cookie belongs to; None when it is nobody's or has ended."""
    if _CACHE not in request.environ:
        request.environ[_CACHE] = _find()
    return cast("LoginSession | None", request.environ[_CACHE])


def current_user() -> User | None:
    """Who is logged in."""
    login = current_login()
    return None if login is None else login.user


def require_user() -> User:
    """Who is logged in; anybody else is sent to the log-in page, and from there back."""
    user = current_user()
    if user is None:
        abort(redirect(login_address(), code=303))
    return user


def confirm_login(transaction: Session) -> LoginSession:
    """The session of who is logged in, read again inside of the transaction that relies on it.

    Whoever was logged out or disabled meanwhile is sent to the log-in page.
    """
    secret = session.get(_SECRET)
    login = find_login_session(transaction, secret) if isinstance(secret, str) else None
    if login is None:
        abort(redirect(login_address(), code=303))
    return login


def require_admin() -> User:
    """The admin who is logged in; anybody who is not is sent to the log-in page.

    Raises:
        AdminsOnlyError: somebody is logged in who is no admin.
    """
    user = require_user()
    if user.role != Role.ADMIN:
        raise AdminsOnlyError
    return user


def current_actor() -> Actor:
    """Who acts, for the audit log: whoever is logged in, who must be somebody."""
    user = require_user()
    return Actor(name=user.username, user_id=user.id, ip_address=request.remote_addr)


def login_address() -> str:
    """The address of the log-in page that comes back here."""
    # What was posted cannot be posted again by a redirect.
    here = request.full_path.rstrip("?") if request.method in {"GET", "HEAD"} else None
    return url_for("login.log_in", next=here)


def guard_users(blueprint: Blueprint) -> None:
    """Let only those who are logged in reach the blueprint's addresses."""
    blueprint.before_request(_guard(require_user))
    blueprint.after_request(keep_private)


def guard_admins(blueprint: Blueprint) -> None:
    """Let only admins reach the blueprint's addresses."""
    blueprint.before_request(_guard(require_admin))
    blueprint.after_request(keep_private)


def keep_private(response: Response) -> Response:
    """Keep an answer that is for one person out of all caches."""
    response.headers["Cache-Control"] = "no-store"
    return response


def begin_login(user: User, method: str) -> None:
    """Log the user in, in this browser, with a new session; call it within a write transaction.

    `method` is what proved who they are.
    """
    secret = start_login_session(
        db.session(),
        user,
        ip_address=request.remote_addr,
        user_agent=request.headers.get("User-Agent", ""),
        method=method,
    )
    # Nothing of what the browser had before is worth trust: somebody else may have put it there.
    session.clear()
    session[_SECRET] = secret
    session.permanent = True
    request.environ.pop(_CACHE, None)


def forget_login() -> None:
    """Empty this browser's cookie. The session on the server is ended by whoever calls this."""
    session.clear()
    request.environ.pop(_CACHE, None)


def init_app(app: Flask) -> None:
    """Let templates ask who is logged in."""
    app.jinja_env.globals["current_user"] = _user_to_show


def _guard(require: Callable[[], User]) -> Callable[[], None]:
    def check() -> None:
        require()

    return check


def _find() -> LoginSession | None:
    secret = session.get(_SECRET)
    if not isinstance(secret, str):
        return None
    login = find_login_session(db.session(), secret)
    if login is not None and datetime.now(UTC) - login.last_seen_at >= SEEN_PRECISION:
        _note_seen(login.id)
        login = find_login_session(db.session(), secret)
    return login


def _note_seen(session_id: int) -> None:
    try:
        with db.write_transaction(db.session(), wait=False) as transaction:
            note_seen(transaction, session_id, request.remote_addr)
    except UnavailableError:
        # Somebody else writes; the next page will tell.
        pass
    except SQLAlchemyError as error:
        # The page matters more than the time of the visit.
        log.warning("a session's last use was not written down", error=str(error))


def _user_to_show() -> User | None:
    """The same for a page's head, which is shown even when the database is not there."""
    try:
        return current_user()
    except SQLAlchemyError:
        return None
