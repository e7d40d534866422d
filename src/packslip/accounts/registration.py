"""How people make an account for themselves."""

from __future__ import annotations

from sqlalchemy.orm import Session

from packslip.accounts.email_addresses import ask_confirmation
from packslip.accounts.invitations import find_invitation, use_invitation
from packslip.accounts.models import Invitation, User
from packslip.accounts.operations import add_user
from packslip.errors import NotAllowedError
from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.setting_choices import Registration


class RegistrationClosedError(NotAllowedError):
    """Nobody registers here; admins make the accounts."""

    def __init__(self, contact: str) -> None:
        super().__init__(f"Registration is closed here. Ask {whom_to_ask(contact)} for an account.")


class InvitationNeededError(NotAllowedError):
    """Only who was invited registers here."""

    def __init__(self, contact: str) -> None:
        super().__init__(
            "Who registers here needs a link with an invitation."
            f" Ask {whom_to_ask(contact)} for one."
        )


def whom_to_ask(contact: str) -> str:
    """Who helps people that cannot come in, within a sentence; `contact` is the setting."""
    return contact or "an admin of this index"


def require_registration(
    session: Session, registration: Registration, contact: str, secret: str
) -> Invitation | None:
    """Allow registering, with the invitation that has this secret if there is one.

    `registration` and `contact` are the settings.

    Raises:
        RegistrationClosedError: nobody may register, invited or not.
        InvitationNeededError: only the invited may, and there is no secret.
        UnknownInvitationError: the secret is nobody's, or the invitation can be used no more.
    """
    if registration is Registration.CLOSED:
        raise RegistrationClosedError(contact)
    if secret:
        return find_invitation(session, secret)
    if registration is Registration.INVITE:
        raise InvitationNeededError(contact)
    return None


def register(
    session: Session,
    *,
    username: str,
    email: str,
    name: str,
    hashed_password: str,
    secret: str,
    ip_address: str | None,
) -> User:
    """Add a user who registers, with the invitation that has this secret, or without one.

    Whether they may do without is asked by `require_registration`.

    Raises:
        InvalidError: the username, the name or the e-mail address is faulty or taken; see
            `operations.add_user`.
        UnknownInvitationError: the invitation can be used no more.
    """
    user = add_user(
        session, username=username, email=email, name=name, hashed_password=hashed_password
    )
    invitation = use_invitation(session, secret, user) if secret else None
    data = {
        "username": user.username,
        "role": user.role,
        "invitation_id": None if invitation is None else invitation.id,
    }
    actor = Actor(user.username, user_id=user.id, ip_address=ip_address)
    record(session, actor, Action.USER_REGISTER, subject_id=user.id, data=data)
    ask_confirmation(session, actor, user)
    return user
