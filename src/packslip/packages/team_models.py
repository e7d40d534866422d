"""Teams: groups of users that look after packages together."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from packslip.accounts.models import User
from packslip.db import NO_REUSE, Base, BigKey, BytewiseText, Changed


class TeamRole(StrEnum):
    """What a user may do in a team: managers also say who is in it."""

    MANAGER = "manager"
    MEMBER = "member"


class Team(Changed, Base):
    """A group of users."""

    __tablename__ = "teams"
    __table_args__ = NO_REUSE

    id: Mapped[BigKey]
    #: Lower-case letters, digits and hyphens.
    name: Mapped[str] = mapped_column(BytewiseText, unique=True)
    description: Mapped[str] = mapped_column(default="", server_default="")


class TeamMember(Changed, Base):
    """A user in a team, by the word of somebody here or by a group of the provider, or both."""

    __tablename__ = "team_members"

    team_id: Mapped[int] = mapped_column(
        ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    #: What somebody here made them; None when only groups did.
    by_hand: Mapped[str | None] = mapped_column(String(16))
    #: What groups of the provider for single sign-on made them; None when they made them nothing.
    by_groups: Mapped[str | None] = mapped_column(String(16))

    team: Mapped[Team] = relationship()
    user: Mapped[User] = relationship()

    @property
    def role(self) -> TeamRole:
        """The higher of both."""
        is_manager = TeamRole.MANAGER in (self.by_hand, self.by_groups)
        return TeamRole.MANAGER if is_manager else TeamRole.MEMBER


class TeamPackage(Changed, Base):
    """Links a team to a package that its members look after."""

    __tablename__ = "team_packages"

    team_id: Mapped[int] = mapped_column(
        ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True
    )
    package_id: Mapped[str] = mapped_column(
        BytewiseText, ForeignKey("packages.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    #: A `MaintainerRole`.
    role: Mapped[str] = mapped_column(String(16))

    team: Mapped[Team] = relationship()


class TeamPrefix(Changed, Base):
    """Links a team to all hosted packages whose names begin so, those to come too (PEP 752)."""

    __tablename__ = "team_prefixes"

    team_id: Mapped[int] = mapped_column(
        ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True
    )
    #: Normalised, without a hyphen at the end: `acme` stands for `acme` and for `acme-…`.
    prefix: Mapped[str] = mapped_column(BytewiseText, primary_key=True, index=True)
    #: A `MaintainerRole`.
    role: Mapped[str] = mapped_column(String(16))

    team: Mapped[Team] = relationship()
