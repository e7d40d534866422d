"""What a user needs beside the password."""

from __future__ import annotations

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session

from packslip.accounts.models import SecurityKey, User


def has_second_factor(session: Session, user: User) -> bool:
    """Whether the user's password alone is not enough: they have an authenticator or a key."""
    if user.totp_confirmed_at is not None:
        return True
    return bool(session.scalar(select(exists().where(SecurityKey.user_id == user.id))))


def second_factor_exists() -> ColumnElement[bool]:
    """The same as a part of a query that reads users."""
    has_key = exists().where(SecurityKey.user_id == User.id)
    return or_(User.totp_confirmed_at.is_not(None), has_key)
