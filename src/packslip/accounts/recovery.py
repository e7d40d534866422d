"""Getting back into an account without its password."""

from __future__ import annotations

from sqlalchemy.orm import Session

from packslip.accounts import throttle
from packslip.accounts.email_addresses import note_confirmed
from packslip.accounts.links import RESET_BY_HAND, RESET_BY_MAIL, end_links, make_link, use_link
from packslip.accounts.models import LinkPurpose, User
from packslip.accounts.operations import read_email, set_password
from packslip.accounts.queries import lock_user
from packslip.accounts.requests_limit import note_request
from packslip.errors import InvalidError
from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.mail.operations import enqueue


class DisabledUserError(InvalidError):
    """The user is disabled, and nothing can be done for them before that ends."""

    def __init__(self, username: str) -> None:
        super().__init__(f"The user {username!r} is disabled.")
        self.username = username


def ask_recovery(session: Session, email: str, ip_address: str | None) -> None:
    """Have a link for a new password sent to the address, if it is the confirmed one of a user.

    Nothing is looked up here: for every address the same is done, in the same time.

    Raises:
        EmailError, InvalidError: it is no e-mail address.
        TooOftenError: it was asked for too often from this client address.
    """
    recipient = read_email(email)
    note_request(session, "recovery", ip_address)
    enqueue(session, "recovery", recipient, {"address": ip_address})


def make_reset_link(session: Session, actor: Actor, user: User) -> str:
    """The address of a page on which the user can set a password once, within 24 hours.

    It is for handing over by whoever made it, and can be shown only now.

    Raises:
        DisabledUserError: the user is disabled.
    """
    user = lock_user(session, user.id)
    if user.disabled_at is not None:
        raise DisabledUserError(user.username)
    record(
        session, actor, Action.USER_ASK_RESET, subject_id=user.id, data={"username": user.username}
    )
    end_links(session, user, LinkPurpose.RESET_PASSWORD)
    return make_link(session, user, LinkPurpose.RESET_PASSWORD, RESET_BY_HAND)


def make_mailed_reset_link(session: Session, user: User, email: str) -> str:
    """The same for sending to the user's e-mail address, for one hour."""
    end_links(session, user, LinkPurpose.RESET_PASSWORD)
    return make_link(session, user, LinkPurpose.RESET_PASSWORD, RESET_BY_MAIL, email=email)


def reset_password(
    session: Session, secret: str, hashed_password: str, ip_address: str | None
) -> User:
    """Give the user of the link the password, as its hash; the link is used up.

    All of the user's sessions end, and so does waiting after failures to log in. A link that came
    by mail shows that the address is theirs. A second factor stays as it is.

    Raises:
        UnknownLinkError: the link does nothing (any more).
    """
    link = use_link(session, secret, LinkPurpose.RESET_PASSWORD)
    user = link.user
    actor = Actor(user.username, user_id=user.id, ip_address=ip_address)
    if link.email is not None:
        note_confirmed(session, actor, user)
    set_password(session, actor, user, hashed_password, Action.USER_RESET_PASSWORD)
    throttle.forget_failures(session, throttle.attempt_by(user.username, ip_address))
    return user
