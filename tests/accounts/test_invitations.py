from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user

from packslip.accounts.invitations import (
    InvitationDaysError,
    InvitationUsedError,
    UnknownInvitationError,
    create_invitation,
    find_invitation,
    get_invitation,
    invitation_address,
    list_invitations,
    revoke_invitation,
    use_invitation,
)
from packslip.accounts.models import Invitation, Role, User
from packslip.accounts.operations import EmailError, EmailTakenError
from packslip.db import write_transaction
from packslip.events.models import Event
from packslip.events.operations import Actor


def invite(session: Session, actor: Actor = ACTOR, **values: object) -> tuple[Invitation, str]:
    with write_transaction(session):
        return create_invitation(session, actor, **values)  # type: ignore[arg-type]


def test_an_invitation_is_found_by_its_secret_which_is_not_kept(session: Session) -> None:
    invitation, secret = invite(session, email=" Bob@Example.com ", role=Role.CURATOR, days=3)
    assert find_invitation(session, secret) is invitation
    assert (invitation.email, invitation.role) == ("bob@example.com", "curator")
    assert (invitation.expires_at - invitation.created_at).days in (2, 3)
    events = session.scalars(select(Event)).all()
    assert [event.action for event in events] == ["invitation.create"]
    for kept in (invitation.hashed_secret, str([event.data for event in events])):
        assert secret not in kept
        assert "bob@" not in kept
    assert invitation_address(secret) == (
        f"http://packages.example.com/account/register?invitation={secret}"
    )


def test_what_cannot_be_an_invitation_is_refused(session: Session) -> None:
    make_user(session, "ada")
    for values, error in (
        ({"email": "ADA@example.com"}, EmailTakenError),
        ({"email": "nobody"}, EmailError),
        ({"days": 0}, InvitationDaysError),
        ({"days": 10**9}, InvitationDaysError),
    ):
        with pytest.raises(error):
            invite(session, **values)  # type: ignore[arg-type]
    assert list_invitations(session) == []


def test_it_is_used_once_and_gives_its_role(session: Session) -> None:
    invitation, secret = invite(session, role=Role.ADMIN, email="bob@example.com")
    bob, eve = make_user(session, "bob"), make_user(session, "eve")
    with write_transaction(session):
        use_invitation(session, secret, bob)
    assert (bob.role, invitation.user) == ("admin", bob)
    assert bob.email_confirmed_at is not None
    with pytest.raises(UnknownInvitationError), write_transaction(session):
        use_invitation(session, secret, eve)
    assert eve.role == "member"


def test_another_address_than_the_invited_one_is_not_confirmed(session: Session) -> None:
    _, secret = invite(session, email="bob@example.com")
    eve = make_user(session, "eve")
    with write_transaction(session):
        use_invitation(session, secret, eve)
    assert eve.email_confirmed_at is None


def test_an_ended_or_unknown_one_is_not_found(session: Session) -> None:
    admin = make_user(session, "admin", role=Role.ADMIN)
    expired, revoked, by_demoted, by_disabled = (
        invite(session, Actor("admin", user_id=admin.id)) for _ in range(4)
    )
    with write_transaction(session):
        expired[0].expires_at = datetime.now(UTC)
        revoke_invitation(session, ACTOR, revoked[0])
    for secret in (expired[1], revoked[1], "", "\udc80", "unknown"):
        with pytest.raises(UnknownInvitationError):
            find_invitation(session, secret)
    assert find_invitation(session, by_demoted[1])
    for values in ({"role": Role.MEMBER}, {"disabled_at": datetime.now(UTC)}):
        with write_transaction(session):
            user = session.get_one(User, admin.id)
            user.role, user.disabled_at = Role.ADMIN, None
            for name, value in values.items():
                setattr(user, name, value)
        # Whoever was an admin could otherwise come back by it.
        with pytest.raises(UnknownInvitationError):
            find_invitation(session, by_disabled[1])


def test_only_an_unused_one_can_be_revoked(session: Session) -> None:
    invitation, secret = invite(session)
    bob = make_user(session, "bob")
    with write_transaction(session):
        use_invitation(session, secret, bob)
    with pytest.raises(InvitationUsedError), write_transaction(session):
        revoke_invitation(session, ACTOR, invitation)
    assert get_invitation(session, invitation.id) is invitation
    with pytest.raises(UnknownInvitationError):
        get_invitation(session, 7)


def test_they_are_listed_newest_first(session: Session) -> None:
    first, second = invite(session)[0], invite(session)[0]
    assert list(list_invitations(session)) == [second, first]
