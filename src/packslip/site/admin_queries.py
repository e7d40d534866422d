"""What admin pages show of several domains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, and_, false, func, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import ScalarSelect

from packslip.accounts.invitations import is_open, list_invitations
from packslip.accounts.models import LoginSession, Role, Token, User
from packslip.accounts.second_factors import second_factor_exists
from packslip.mail.models import Mail
from packslip.packages.models import File, Maintainer, Package, Release


@dataclass(frozen=True)
class AdminCounts:
    """How many of each there are."""

    users: int
    disabled: int
    admins: int
    #: Admins who are not disabled and have no second factor.
    bare_admins: int
    sessions: int
    tokens: int
    invitations: int
    packages: int
    releases: int
    files: int
    #: Mails that were tried and could not be sent yet.
    late_mails: int


@dataclass(frozen=True)
class UserRow:
    """A user as lists of users show them."""

    user: User
    packages: int
    second_factor: bool


def admin_counts(session: Session) -> AdminCounts:
    """Count them all."""
    now = datetime.now(UTC)
    admin = and_(User.role == Role.ADMIN, User.disabled_at.is_(None))
    usable = and_(
        Token.revoked_at.is_(None), or_(Token.expires_at.is_(None), Token.expires_at > now)
    )
    counts = {
        "users": _count(User),
        "disabled": _count(User, User.disabled_at.is_not(None)),
        "admins": _count(User, admin),
        "bare_admins": _count(User, admin, ~second_factor_exists()),
        "sessions": _count(LoginSession, LoginSession.expires_at > now),
        "tokens": _count(Token, usable),
        "packages": _count(Package),
        "releases": _count(Release),
        "files": _count(File),
        # The first attempt may be under way.
        "late_mails": _count(Mail, Mail.attempts > 1),
    }
    row = session.execute(select(*counts.values())).one()
    return AdminCounts(
        **dict(zip(counts, row, strict=True)),
        invitations=sum(map(is_open, list_invitations(session))),
    )


def search_users(
    session: Session, text: str, after: str | None = None, limit: int = 50
) -> Sequence[UserRow]:
    """Users by username; those in whose username, name or e-mail address the text stands.

    With `after`, those behind the user of that name.
    """
    packages = (
        select(func.count()).where(Maintainer.user_id == User.id).correlate(User).scalar_subquery()
    )
    statement = select(User, packages, second_factor_exists()).order_by(User.username).limit(limit)
    if text:
        statement = statement.where(_holds(text.lower()))
    if after is not None:
        statement = statement.where(User.username > after if after.isprintable() else false())
    rows = session.execute(statement)
    return [UserRow(user, count, has_factor) for user, count, has_factor in rows]


def _holds(text: str) -> ColumnElement[bool]:
    if not text.isprintable():
        # Nobody is called so, and PostgreSQL refuses to look for some of it.
        return false()
    columns = (User.username, func.lower(User.name), User.email)
    return or_(*(column.contains(text, autoescape=True) for column in columns))


def _count(table: type, *conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    return select(func.count()).select_from(table).where(*conditions).scalar_subquery()
