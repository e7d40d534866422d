"""Trusted publishers, and the identities that they used."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from packslip.accounts.models import User
from packslip.db import NO_REUSE, Base, BigKey, BytewiseText, Changed, Created


class Publisher(Changed, Base):
    """A program elsewhere that may upload a package, on behalf of a user."""

    __tablename__ = "publishers"
    __table_args__ = NO_REUSE

    id: Mapped[BigKey]
    #: The package, which need not exist yet.
    package_id: Mapped[str] = mapped_column(BytewiseText, index=True)
    #: Whose rights it uses.
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    #: One of `Kind`.
    kind: Mapped[str] = mapped_column(String(16))
    issuer: Mapped[str] = mapped_column(String(300), index=True)
    #: What its identities must say.
    conditions: Mapped[dict[str, Any]]
    #: The number of the repository's owner, since the first use.
    owner_id: Mapped[str | None] = mapped_column(String(100))
    last_used_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()


class UsedIdentity(Created, Base):
    """An identity that was exchanged for a token; it is not taken again."""

    __tablename__ = "used_identities"

    #: SHA-256 of its issuer and its `jti`, hexadecimal.
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    #: From then on it is worth nothing anyway.
    expires_at: Mapped[datetime] = mapped_column(index=True)


class MintedToken(Created, Base):
    """A package that a token uploads for a publisher."""

    __tablename__ = "minted_tokens"

    token_id: Mapped[int] = mapped_column(
        ForeignKey("tokens.id", ondelete="CASCADE"), primary_key=True
    )
    package_id: Mapped[str] = mapped_column(BytewiseText, primary_key=True)
    publisher_id: Mapped[int] = mapped_column(
        ForeignKey("publishers.id", ondelete="CASCADE"), index=True
    )

    publisher: Mapped[Publisher] = relationship()
