"""What users may do on the whole site, and whether they may do anything at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from packslip.accounts.login_sessions import end_login_sessions
from packslip.accounts.models import AccountLink, Role, User
from packslip.errors import InvalidError
from packslip.events.models import Action
from packslip.events.operations import Actor, record


class LastAdminError(InvalidError):
    """The index must not be left without an admin who can act."""

    def __init__(self, username: str) -> None:
        super().__init__(f"{username!r} is the last admin. Make somebody else an admin first.")
        self.username = username


class OwnAccountError(InvalidError):
    """Nobody disables themselves: another admin has to."""

    def __init__(self) -> None:
        super().__init__("You cannot disable your own account. Another admin can.")


def lock_admins(session: Session) -> Sequence[User]:
    """The admins who are not disabled, and who stay so until the transaction ends.

    Whoever changes who is an admin waits here for others who do so.
    """
    statement = (
        select(User)
        .where(User.role == Role.ADMIN, User.disabled_at.is_(None))
        # All in the same order: nobody waits for somebody who waits for them.
        .order_by(User.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return session.scalars(statement).all()


def set_role(session: Session, actor: Actor, user: User, role: Role) -> None:
    """Give the user another role on the site. It counts from their next request on.

    Raises:
        LastAdminError: nobody would be an admin any more.
    """
    _lock(session, user)
    before = user.role
    if before == role:
        return
    _keep_an_admin(session, user)
    user.role = role
    data = {"username": user.username, "before": before, "after": role}
    record(session, actor, Action.USER_CHANGE_ROLE, subject_id=user.id, data=data)


def disable_user(session: Session, actor: Actor, user: User) -> None:
    """Let the user do nothing any more: no password, token or session of theirs works.

    Their sessions and the links that they were sent end for good. Their tokens wait: those that
    are not revoked or expired work again when the user is enabled.

    Raises:
        OwnAccountError: it is the actor's own account.
        LastAdminError: nobody would be an admin any more.
    """
    if actor.user_id == user.id:
        raise OwnAccountError
    _lock(session, user)
    if user.disabled_at is not None:
        return
    _keep_an_admin(session, user)
    user.disabled_at = datetime.now(UTC)
    _record_disabled(session, actor, Action.USER_DISABLE, user, None)
    _end_what_was_begun(session, user)


def enable_user(session: Session, actor: Actor, user: User) -> None:
    """Let a user who was disabled do again what their role allows."""
    _lock(session, user)
    before = user.disabled_at
    if before is None:
        return
    user.disabled_at = None
    _record_disabled(session, actor, Action.USER_ENABLE, user, before)
    # A log-in that was under way when the user was disabled must not come to life now.
    _end_what_was_begun(session, user)


def _lock(session: Session, user: User) -> None:
    # The admins first, as everybody does it; then the user, so that a log-in which is under way
    # ends before, and its session is ended with the others.
    lock_admins(session)
    session.refresh(user, with_for_update=True)


def _keep_an_admin(session: Session, user: User) -> None:
    if [admin.id for admin in lock_admins(session)] == [user.id]:
        raise LastAdminError(user.username)


def _record_disabled(
    session: Session, actor: Actor, action: Action, user: User, before: datetime | None
) -> None:
    after = user.disabled_at
    data = {
        "username": user.username,
        "before": {"disabled_at": before and before.isoformat()},
        "after": {"disabled_at": after and after.isoformat()},
    }
    record(session, actor, action, subject_id=user.id, data=data)


def _end_what_was_begun(session: Session, user: User) -> None:
    end_login_sessions(session, user)
    session.execute(delete(AccountLink).where(AccountLink.user_id == user.id))
