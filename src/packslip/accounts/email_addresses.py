"""The e-mail addresses of users: changing them, and showing that mail reaches their users."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from packslip.accounts.links import end_links, use_link
from packslip.accounts.models import LinkPurpose, User
from packslip.accounts.operations import EmailTakenError, read_email
from packslip.accounts.queries import lock_user
from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.mail.operations import enqueue


def ask_confirmation(session: Session, actor: Actor, user: User) -> None:
    """Ask the user by mail to confirm their address, unless that was done or there is none.

    Only a confirmed address can recover the account.
    """
    if user.email is None or user.email_confirmed_at is not None:
        return
    data = {"user_id": user.id, "address": actor.ip_address}
    enqueue(session, "confirm-email", user.email, data)


def confirm_email(session: Session, secret: str, ip_address: str | None) -> User:
    """Confirm the address that the link was sent to; the link is used up.

    Raises:
        UnknownLinkError: the link does nothing (any more).
    """
    user = use_link(session, secret, LinkPurpose.CONFIRM_EMAIL).user
    note_confirmed(session, Actor(user.username, user_id=user.id, ip_address=ip_address), user)
    return user


def note_confirmed(session: Session, actor: Actor, user: User) -> None:
    """Write down that mail to the user's address reaches them."""
    end_links(session, user, LinkPurpose.CONFIRM_EMAIL)
    if user.email_confirmed_at is None:
        user.email_confirmed_at = datetime.now(UTC)
        data = {"username": user.username, "email": user.email}
        record(session, actor, Action.USER_CONFIRM_EMAIL, subject_id=user.id, data=data)


def change_email(session: Session, actor: Actor, user: User, email: str) -> None:
    """Give the user another e-mail address, which has to be confirmed; the old one is told.

    Links that were sent to the old address, and those for another password, end.

    Raises:
        EmailError, InvalidError: it is no e-mail address.
        EmailTakenError: somebody has it, in whatever case.
    """
    after = read_email(email)
    user = lock_user(session, user.id)
    before = user.email
    if before == after:
        return
    try:
        with session.begin_nested():
            user.email = after
            user.email_confirmed_at = None
            session.flush()
    except IntegrityError:
        raise EmailTakenError(after) from None
    end_links(session, user)
    data = {"username": user.username, "before": before, "after": after}
    record(session, actor, Action.USER_CHANGE_EMAIL, subject_id=user.id, data=data)
    if before is not None:
        told = {"username": user.username, "address": actor.ip_address}
        enqueue(session, "email-changed", before, told)
    ask_confirmation(session, actor, user)
