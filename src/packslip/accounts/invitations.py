"""Invitations: links with which people register where registration is not open."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from packslip.accounts import queries
from packslip.accounts.models import Invitation, Role, User
from packslip.accounts.operations import EmailTakenError, read_email
from packslip.accounts.sealing import seal
from packslip.accounts.tokens import hash_token
from packslip.db import is_key
from packslip.errors import InvalidError, NotFoundError
from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.mail.operations import can_send, enqueue
from packslip.web.urls import base_url

#: Days for which an invitation can be used if nothing else is said, and at most.
DAYS = 7
MAX_DAYS = 90


class UnknownInvitationError(NotFoundError):
    """There is no such invitation, or it can be used no more."""

    def __init__(self) -> None:
        super().__init__(
            "This invitation was used, has expired or was withdrawn. Ask whoever sent it for"
            " another one."
        )


class InvitationDaysError(InvalidError):
    """An invitation must end, and not at once."""

    field = "days"

    def __init__(self) -> None:
        super().__init__(f"An invitation can be used for 1 to {MAX_DAYS} days.")


class UselessInvitationError(InvalidError):
    """Nobody could register with an invitation now."""

    def __init__(self) -> None:
        super().__init__("Registration is closed here (PACKSLIP_REGISTRATION), to the invited too.")


class InvitationUsedError(InvalidError):
    """Somebody registered with the invitation; to withdraw it now would change nothing."""

    def __init__(self) -> None:
        super().__init__("This invitation was used.")


def create_invitation(
    session: Session,
    actor: Actor,
    *,
    role: Role = Role.MEMBER,
    email: str | None = None,
    days: int = DAYS,
) -> tuple[Invitation, str]:
    """Add an invitation to register with this role, and give it with its secret.

    The secret is kept nowhere; see `invitation_address`. `email` is whom it is for: if they
    register with that address, it counts as confirmed.

    Raises:
        EmailError: the e-mail address is not one.
        EmailTakenError: somebody has that e-mail address.
        InvitationDaysError: `days` is not from 1 to 90.
    """
    if not 1 <= days <= MAX_DAYS:
        raise InvitationDaysError
    if email is not None:
        email = read_email(email)
        if queries.find_user_by_email(session, email):
            raise EmailTakenError(email)
    secret = secrets.token_urlsafe(32)
    invitation = Invitation(
        email=email,
        role=role,
        hashed_secret=hash_token(secret),
        invited_by_id=actor.user_id,
        expires_at=datetime.now(UTC) + timedelta(days=days),
    )
    session.add(invitation)
    session.flush()
    data = {
        "invitation_id": invitation.id,
        "role": invitation.role,
        "expires_at": invitation.expires_at.isoformat(),
    }
    record(session, actor, Action.INVITATION_CREATE, data=data)
    return invitation, secret


def invitation_address(secret: str) -> str:
    """The link that is handed to the invited."""
    return f"{base_url()}/account/register?invitation={secret}"


def send_invitation(session: Session, invitation: Invitation, link: str) -> None:
    """Have the link sent to whom the invitation is for, if mail can be sent.

    Until then it is kept sealed: in the queue, and nowhere else.
    """
    if invitation.email is not None and can_send():
        data = {"invitation_id": invitation.id, "sealed_link": seal(link)}
        enqueue(session, "invitation", invitation.email, data)


def find_invitation(session: Session, secret: str) -> Invitation:
    """The invitation with that secret.

    Raises:
        UnknownInvitationError: there is none, or it can be used no more.
    """
    return _find(session, secret, lock=False)


def use_invitation(session: Session, secret: str, user: User) -> Invitation:
    """Use the invitation up: `user`, who is new, gets its role.

    Their e-mail address counts as confirmed if it is the one that was invited.

    Raises:
        UnknownInvitationError: there is none, or it can be used no more; somebody else may just
            have used it.
    """
    invitation = _find(session, secret, lock=True)
    invitation.used_at = datetime.now(UTC)
    invitation.user_id = user.id
    user.role = invitation.role
    if invitation.email is not None and invitation.email == user.email:
        user.email_confirmed_at = invitation.used_at
    session.flush()
    return invitation


def revoke_invitation(session: Session, actor: Actor, invitation: Invitation) -> None:
    """Withdraw the invitation, which ends it at once.

    Raises:
        InvitationUsedError: somebody registered with it.
    """
    session.refresh(invitation, with_for_update=True)
    if invitation.used_at is not None:
        raise InvitationUsedError
    data = {"invitation_id": invitation.id, "role": invitation.role}
    record(session, actor, Action.INVITATION_REVOKE, data=data)
    session.delete(invitation)
    session.flush()


def get_invitation(session: Session, invitation_id: int) -> Invitation:
    """The invitation with that number, whether it can be used or not.

    Raises:
        UnknownInvitationError: there is none.
    """
    invitation = session.get(Invitation, invitation_id) if is_key(invitation_id) else None
    if invitation is None:
        raise UnknownInvitationError
    return invitation


def list_invitations(session: Session) -> Sequence[Invitation]:
    """All invitations with who made and who used them, the newest first."""
    statement = (
        select(Invitation)
        .options(joinedload(Invitation.invited_by), joinedload(Invitation.user))
        .order_by(Invitation.id.desc())
    )
    return session.scalars(statement).all()


def is_open(invitation: Invitation) -> bool:
    """Whether the invitation can be used: neither used nor expired.

    It ends, too, when the admin who made it is disabled or no admin any more: they could
    otherwise come back by it.
    """
    inviter = invitation.invited_by
    if inviter is not None and (inviter.role != Role.ADMIN or inviter.disabled_at is not None):
        return False
    return invitation.used_at is None and datetime.now(UTC) < invitation.expires_at


def _find(session: Session, secret: str, *, lock: bool) -> Invitation:
    statement = select(Invitation).where(Invitation.hashed_secret == hash_token(secret))
    if lock:
        # Whoever waited for another transaction has to see what that one did.
        statement = statement.with_for_update().execution_options(populate_existing=True)
    invitation = session.scalar(statement)
    if invitation is None or not is_open(invitation):
        raise UnknownInvitationError
    return invitation
