"""Notes: Markdown of a person's own, which may hang on a package."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, false
from sqlalchemy.orm import Mapped, backref, mapped_column, relationship

from packslip.accounts.models import User
from packslip.db import NO_REUSE, Base, BigKey, BytewiseText, Changed
from packslip.packages.models import Package


class Visibility(StrEnum):
    """Who may see a note beside its author."""

    PRIVATE = "private"
    TEAM = "team"
    PUBLIC = "public"


class Act(StrEnum):
    """What a note does to the package or releases that it is attached to."""

    NONE = "none"
    WARN = "warn"
    YANK = "yank"
    HOLD = "hold"
    DEPRECATE = "deprecate"
    ARCHIVE = "archive"
    QUARANTINE = "quarantine"


class Note(Changed, Base):
    """A title and a body, written by one user."""

    __tablename__ = "notes"
    __table_args__ = NO_REUSE

    id: Mapped[BigKey]
    title: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(default="")
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    visibility: Mapped[str] = mapped_column(
        String(16), default=Visibility.PRIVATE, server_default=Visibility.PRIVATE
    )
    package_id: Mapped[str | None] = mapped_column(
        BytewiseText, ForeignKey("packages.id", ondelete="SET NULL"), index=True
    )
    #: The releases it is about, as a PEP 440 specifier; None for all of them.
    version_range: Mapped[str | None]
    act: Mapped[str] = mapped_column(String(16), default=Act.NONE, server_default=Act.NONE)
    review_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None] = mapped_column(index=True)
    pinned: Mapped[bool] = mapped_column(default=False, server_default=false())
    archived: Mapped[bool] = mapped_column(default=False, server_default=false())

    author: Mapped[User] = relationship(backref=backref("notes", order_by="Note.id.desc()"))
    package: Mapped[Package | None] = relationship()
