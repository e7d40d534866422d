"""Sessions on the server: in which browsers a user is logged in."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, joinedload

from packslip.accounts.models import LoginSession, User
from packslip.accounts.tokens import hash_token
from packslip.db import is_key
from packslip.errors import NotFoundError
from packslip.events.models import Action
from packslip.events.operations import Actor, record

#: A session ends when it was not used for so long, and at the latest after so long.
IDLE = timedelta(days=7)
ABSOLUTE = timedelta(days=30)

#: How old `last_seen_at` must be before another use is written down.
SEEN_PRECISION = timedelta(minutes=5)

MAX_USER_AGENT = 400


class UnknownLoginSessionError(NotFoundError):
    """The user has no such session."""

    def __init__(self, session_id: int) -> None:
        super().__init__(f"There is no session {session_id}.")
        self.session_id = session_id


def start_login_session(
    session: Session, user: User, *, ip_address: str | None, user_agent: str, method: str = ""
) -> str:
    """Log the user in and give the new session's secret, which is kept nowhere.

    `method` is what proved who they are.
    """
    secret = secrets.token_urlsafe(32)
    now = datetime.now(UTC)
    session.add(
        LoginSession(
            user=user,
            hashed_secret=hash_token(secret),
            ip_address=ip_address,
            user_agent=user_agent[:MAX_USER_AGENT],
            method=method,
            last_seen_at=now,
            expires_at=now + ABSOLUTE,
        )
    )
    # Sessions that nobody ended go when somebody logs in.
    session.execute(delete(LoginSession).where(LoginSession.expires_at <= now))
    session.flush()
    return secret


def find_login_session(session: Session, secret: str) -> LoginSession | None:
    """The session with that secret, with its user; None when it ended or the user is disabled."""
    found = session.scalar(
        select(LoginSession)
        .where(LoginSession.hashed_secret == hash_token(secret))
        .options(joinedload(LoginSession.user))
    )
    if found is None or not is_alive(found) or found.user.disabled_at is not None:
        return None
    return found


def is_alive(login: LoginSession) -> bool:
    """Whether the session has not expired."""
    now = datetime.now(UTC)
    return now < login.expires_at and now < login.last_seen_at + IDLE


def list_login_sessions(session: Session, user: User) -> Sequence[LoginSession]:
    """The user's sessions that have not expired, the one used last first."""
    statement = (
        select(LoginSession)
        .where(LoginSession.user_id == user.id)
        .order_by(LoginSession.last_seen_at.desc(), LoginSession.id.desc())
    )
    return [login for login in session.scalars(statement) if is_alive(login)]


def get_login_session(session: Session, user: User, session_id: int) -> LoginSession:
    """The user's session with that number.

    Raises:
        UnknownLoginSessionError: there is none, or it is somebody else's.
    """
    found = session.get(LoginSession, session_id) if is_key(session_id) else None
    if found is None or found.user_id != user.id:
        raise UnknownLoginSessionError(session_id)
    return found


def note_seen(session: Session, session_id: int, ip_address: str | None) -> None:
    """Write down that the session is in use, and from where; nothing if it has just ended."""
    session.execute(
        update(LoginSession)
        .where(LoginSession.id == session_id)
        .values(last_seen_at=datetime.now(UTC), ip_address=ip_address)
    )


def revoke_login_session(session: Session, actor: Actor, login: LoginSession) -> None:
    """End the session at once, in whatever browser it is."""
    data = {"session_id": login.id, "user_agent": login.user_agent, "address": login.ip_address}
    record(session, actor, Action.SESSION_REVOKE, subject_id=login.user_id, data=data)
    session.delete(login)
    session.flush()


def revoke_login_sessions(
    session: Session, actor: Actor, user: User, *, keep: LoginSession | None = None
) -> int:
    """End the user's sessions at once, but the one to `keep`; give how many they were."""
    ended = [
        {"session_id": login.id, "user_agent": login.user_agent, "address": login.ip_address}
        for login in list_login_sessions(session, user)
        if keep is None or login.id != keep.id
    ]
    end_login_sessions(session, user, keep=keep)
    if ended:
        record(session, actor, Action.SESSION_REVOKE, subject_id=user.id, data={"sessions": ended})
    return len(ended)


def end_login_sessions(session: Session, user: User, *, keep: LoginSession | None = None) -> None:
    """End all of the user's sessions at once, but the one to `keep`."""
    statement = delete(LoginSession).where(LoginSession.user_id == user.id)
    if keep is not None:
        statement = statement.where(LoginSession.id != keep.id)
    session.execute(statement)
