"""What the mails to users say.

Nothing in them was chosen by a stranger but the username, which is letters, digits, dots, hyphens
and underscores: anybody can make this index write to somebody.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from email.message import EmailMessage
from textwrap import fill
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from packslip.accounts.factor_operations import FactorChange
from packslip.accounts.invitations import is_open
from packslip.accounts.links import CONFIRMATION, make_link
from packslip.accounts.models import Invitation, LinkPurpose, User
from packslip.accounts.queries import find_user_by_email, lock_user
from packslip.accounts.recovery import make_mailed_reset_link
from packslip.accounts.registration import whom_to_ask
from packslip.accounts.requests_limit import TooManyRequestsError, note_request
from packslip.accounts.sealing import BrokenSealError, unseal
from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.mail.messages import plain_message
from packslip.mail.models import Mail
from packslip.mail.sender import Composer
from packslip.web.context import current_settings
from packslip.web.urls import base_url

#: How many mails for a new password one user gets within an hour, whoever asks for them.
RECOVERY_LIMIT = 5

#: Who asks for a new password, for the audit log. No username holds a space.
_NOBODY = "not logged in"


def _recovery(session: Session, mail: Mail) -> EmailMessage | None:
    found = find_user_by_email(session, mail.recipient)
    if found is None:
        return None
    user = lock_user(session, found.id)
    if not _reaches(user, mail) or user.email_confirmed_at is None:
        return None
    if mail.attempts == 1:
        try:
            window = timedelta(hours=1)
            who = str(user.id)
            note_request(session, "recovery-mail", who, limit=RECOVERY_LIMIT, window=window)
        except TooManyRequestsError:
            return None
        actor = Actor(_NOBODY, ip_address=mail.data["address"])
        data = {"username": user.username}
        record(session, actor, Action.USER_ASK_RESET, subject_id=user.id, data=data)
    link = make_mailed_reset_link(session, user, mail.recipient)
    return _message(
        mail,
        "Set a new password",
        f"Somebody asked for a new password for the account {user.username} on {_host()}"
        f"{_origin(mail)}.",
        "If that was you, set it here within an hour. The link works once:",
        link,
        "If it was not you, do nothing: the password stays as it is.",
    )


def _confirm_email(session: Session, mail: Mail) -> EmailMessage | None:
    user = session.get(User, mail.data["user_id"])
    if user is None or not _reaches(user, mail) or user.email_confirmed_at is not None:
        return None
    link = make_link(session, user, LinkPurpose.CONFIRM_EMAIL, CONFIRMATION, email=mail.recipient)
    return _message(
        mail,
        "Confirm your e-mail address",
        f"The account {user.username} on {_host()} was given this e-mail address{_origin(mail)}.",
        f"If that is your account, confirm the address here within {CONFIRMATION.days} days:",
        link,
        "If it is not, do nothing.",
    )


def _email_changed(session: Session, mail: Mail) -> EmailMessage:
    return _message(
        mail,
        "Your e-mail address was changed",
        f"The account {mail.data['username']} on {_host()} was given another e-mail address"
        f"{_origin(mail)}. This one does not belong to it any more.",
        f"If it was not you, tell {whom_to_ask(current_settings().contact)} at once.",
    )


def _password_changed(session: Session, mail: Mail) -> EmailMessage:
    return _message(
        mail,
        "Your password was changed",
        f"The password of the account {mail.data['username']} on {_host()} was changed"
        f"{_origin(mail)}. Every other browser was logged out.",
        f"If it was not you, set another one at {base_url()}/account/reset and tell"
        f" {whom_to_ask(current_settings().contact)}.",
    )


_FACTOR_CHANGES = {
    FactorChange.AUTHENTICATOR_ADDED: "An authenticator was added to",
    FactorChange.AUTHENTICATOR_REMOVED: "The authenticator was removed from",
    FactorChange.KEY_ADDED: "A security key or passkey was added to",
    FactorChange.KEY_REMOVED: "A security key or passkey was removed from",
    FactorChange.CODES_RENEWED: "New recovery codes were made for",
    FactorChange.CODE_USED: "A recovery code was used up to log in to",
    FactorChange.ALL_REMOVED: "All second factors were removed from",
}


def _second_factor_changed(session: Session, mail: Mail) -> EmailMessage:
    return _message(
        mail,
        "Your second factor",
        f"{_FACTOR_CHANGES[mail.data['change']]} the account {mail.data['username']} on {_host()}"
        f"{_origin(mail)}.",
        f"If you know nothing of it, set another password at {base_url()}/account/reset and tell"
        f" {whom_to_ask(current_settings().contact)}.",
    )


def _invitation(session: Session, mail: Mail) -> EmailMessage | None:
    invitation = session.get(Invitation, mail.data["invitation_id"])
    if invitation is None or not is_open(invitation):
        return None
    try:
        link = unseal(mail.data["sealed_link"])
    except BrokenSealError:
        return None
    inviter = "An admin" if invitation.invited_by is None else invitation.invited_by.username
    return _message(
        mail,
        "You are invited",
        f"{inviter} invites you to {_host()}, a Python package index, as {invitation.role}.",
        f"Make your account here until {invitation.expires_at:%Y-%m-%d %H:%M} UTC. The link works"
        " once:",
        link,
        "If that means nothing to you, do nothing.",
    )


COMPOSERS: Mapping[str, Composer] = {
    "recovery": _recovery,
    "confirm-email": _confirm_email,
    "email-changed": _email_changed,
    "password-changed": _password_changed,
    "second-factor-changed": _second_factor_changed,
    "invitation": _invitation,
}


def _reaches(user: User, mail: Mail) -> bool:
    return user.email == mail.recipient and user.disabled_at is None


def _origin(mail: Mail) -> str:
    address = mail.data["address"]
    where = "on the server's command line" if address is None else f"from the address {address}"
    return f", {where}, at {mail.created_at:%Y-%m-%d %H:%M} UTC"


def _host() -> str:
    """The name of this index; its whole address would be mistaken for the link that is meant."""
    return urlsplit(base_url()).netloc


def _message(mail: Mail, subject: str, *paragraphs: str) -> EmailMessage:
    # Links have to stay whole.
    lines = [fill(text, 72, break_long_words=False, break_on_hyphens=False) for text in paragraphs]
    return plain_message(mail.recipient, f"[{_host()}] {subject}", "\n\n".join(lines) + "\n")
