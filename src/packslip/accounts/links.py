"""Links that let one user do one thing once. Their secrets are kept as hashes only."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, joinedload

from packslip.accounts.models import AccountLink, LinkPurpose, User
from packslip.accounts.queries import lock_user
from packslip.accounts.tokens import hash_token
from packslip.errors import NotFoundError
from packslip.web.urls import base_url

#: How long a link lives.
RESET_BY_MAIL = timedelta(hours=1)
RESET_BY_HAND = timedelta(hours=24)
CONFIRMATION = timedelta(days=7)

_PATHS = {LinkPurpose.RESET_PASSWORD: "reset", LinkPurpose.CONFIRM_EMAIL: "confirm"}


class UnknownLinkError(NotFoundError):
    """The link does nothing; it says the same for every reason that this may have."""

    def __init__(self) -> None:
        super().__init__("This link was used already, has expired, or was never one.")


def make_link(
    session: Session,
    user: User,
    purpose: LinkPurpose,
    lifetime: timedelta,
    *,
    email: str | None = None,
) -> str:
    """The address of a new page on which whoever has it can do this for the user, once.

    A link that goes to an e-mail address dies when the user gets another one.
    """
    secret = secrets.token_urlsafe(32)
    now = datetime.now(UTC)
    session.execute(delete(AccountLink).where(AccountLink.expires_at <= now))
    link = AccountLink(
        user_id=user.id,
        purpose=purpose,
        email=email,
        hashed_secret=hash_token(secret),
        expires_at=now + lifetime,
    )
    session.add(link)
    session.flush()
    return f"{base_url()}/account/{_PATHS[purpose]}/{secret}"


def get_link(session: Session, secret: str, purpose: LinkPurpose) -> AccountLink:
    """The link with that secret, with its user.

    Raises:
        UnknownLinkError: there is none, it has expired, it was sent to an address that the user
            has no more, or the user is disabled.
    """
    link = session.scalar(
        select(AccountLink)
        .where(AccountLink.hashed_secret == hash_token(secret), AccountLink.purpose == purpose)
        .options(joinedload(AccountLink.user))
    )
    if link is None or link.expires_at <= datetime.now(UTC) or link.user.disabled_at is not None:
        raise UnknownLinkError
    if link.email is not None and link.email != link.user.email:
        raise UnknownLinkError
    return link


def use_link(session: Session, secret: str, purpose: LinkPurpose) -> AccountLink:
    """The link with that secret, which works no more: of two who use it at once, one does.

    The link's user is locked until the end of the transaction.

    Raises:
        UnknownLinkError: as in `get_link`.
    """
    lock_user(session, get_link(session, secret, purpose).user_id)
    # Only now is it sure: somebody else may have had the lock first.
    link = get_link(session, secret, purpose)
    session.delete(link)
    session.flush()
    return link


def end_links(session: Session, user: User, purpose: LinkPurpose | None = None) -> None:
    """End the user's links, or those for one purpose."""
    statement = delete(AccountLink).where(AccountLink.user_id == user.id)
    if purpose is not None:
        statement = statement.where(AccountLink.purpose == purpose)
    session.execute(statement)
