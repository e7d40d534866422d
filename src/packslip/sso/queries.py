"""Whom the provider knows, as far as accounts here are linked with that."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from packslip.accounts.models import GroupGrant, LinkedIdentity, User


def find_identity(session: Session, issuer: str, subject: str) -> LinkedIdentity | None:
    """The identity with its user, if an account is linked with it."""
    return session.scalar(
        select(LinkedIdentity)
        .where(LinkedIdentity.issuer == issuer, LinkedIdentity.subject == subject)
        .options(joinedload(LinkedIdentity.user))
    )


def find_identity_of(session: Session, user: User, issuer: str) -> LinkedIdentity | None:
    """Whom the provider knows the user as."""
    return session.scalar(
        select(LinkedIdentity).where(
            LinkedIdentity.user_id == user.id, LinkedIdentity.issuer == issuer
        )
    )


def list_grants(session: Session, user: User) -> Sequence[GroupGrant]:
    """What groups at the provider give the user, the role on the site first."""
    grants = session.scalars(select(GroupGrant).where(GroupGrant.user_id == user.id))
    return sorted(grants, key=lambda grant: grant.package_id or "")
