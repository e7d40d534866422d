"""Users and their tokens."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from packslip.db import NO_REUSE, Base, BigKey, Changed


class Role(StrEnum):
    """What a user may do on the whole site."""

    MEMBER = "member"
    CURATOR = "curator"
    ADMIN = "admin"


class Scope(StrEnum):
    """What a token may be used for; uploading includes reading."""

    READ = "read"
    UPLOAD = "upload"


class User(Changed, Base):
    """A person who owns packages and writes notes."""

    __tablename__ = "users"
    __table_args__ = NO_REUSE

    id: Mapped[BigKey]
    #: Lower case, so that the unique constraint decides regardless of spelling.
    username: Mapped[str] = mapped_column(String(80), unique=True)
    name: Mapped[str] = mapped_column(default="")
    #: Lower case. None for people who are known only as the author of an imported package.
    email: Mapped[str | None] = mapped_column(String(320), unique=True, index=True)
    #: Argon2id in PHC form. None for people who have no password and so cannot log in.
    hashed_password: Mapped[str | None]
    profile_image_url: Mapped[str | None]
    last_login: Mapped[datetime | None] = mapped_column(index=True)
    role: Mapped[str] = mapped_column(String(16), default=Role.MEMBER, server_default=Role.MEMBER)


class Token(Changed, Base):
    """A secret that stands for a user, with fewer rights. Only its hash is kept."""

    __tablename__ = "tokens"
    __table_args__ = NO_REUSE

    id: Mapped[BigKey]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100), default="")
    #: SHA-256 of the whole token, hexadecimal.
    hashed_secret: Mapped[str] = mapped_column(String(64), unique=True)
    scope: Mapped[str] = mapped_column(String(16))
    #: Normalised names of the packages it is limited to; None for all of the user's.
    packages: Mapped[list[str] | None]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()
