"""Notes: Markdown of a person's own, which may hang on a package and act on it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, false, text
from sqlalchemy.orm import Mapped, backref, mapped_column, relationship

from packslip.accounts.models import User
from packslip.db import NO_REUSE, Base, BigKey, BytewiseText, Changed, Created
from packslip.packages.models import Act, Package


class Visibility(StrEnum):
    """Who may see a note beside its author."""

    PRIVATE = "private"
    TEAM = "team"
    PUBLIC = "public"


class Note(Changed, Base):
    """A title and a body, written by one user."""

    __tablename__ = "notes"
    __table_args__ = (
        Index(None, "visibility", "updated_at"),
        NO_REUSE,
    )

    id: Mapped[BigKey]
    #: Empty only for a yank without a reason.
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
    #: What it does, or did before it was lifted.
    act: Mapped[str] = mapped_column(String(16), default=Act.NONE, server_default=Act.NONE)
    #: The version in which what it is about is mended.
    fixed_in: Mapped[str | None]
    review_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None] = mapped_column(index=True)
    #: Since when it acts no more, though it did.
    lifted_at: Mapped[datetime | None]
    #: Who lifted it; None when it expired, or when the command line did.
    lifted_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    pinned: Mapped[bool] = mapped_column(default=False, server_default=false())
    archived: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: How often it was saved, which is the number of its newest revision.
    edition: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    #: Since when it is in its author's bin, from which it goes for good after some time.
    deleted_at: Mapped[datetime | None] = mapped_column(index=True)

    author: Mapped[User] = relationship(
        foreign_keys=user_id, backref=backref("notes", order_by="Note.id.desc()")
    )
    lifted_by: Mapped[User | None] = relationship(foreign_keys=lifted_by_id)
    package: Mapped[Package | None] = relationship()

    @property
    def is_acting(self) -> bool:
        """Whether it does something now: a row of `acts` stands for it."""
        return (
            self.act != Act.NONE
            and self.lifted_at is None
            and self.deleted_at is None
            # The package may have been removed.
            and self.package_id is not None
        )


class NoteRevision(Created, Base):
    """A note as it was saved once."""

    __tablename__ = "note_revisions"

    note_id: Mapped[int] = mapped_column(
        ForeignKey("notes.id", ondelete="CASCADE"), primary_key=True
    )
    #: The edition that the note had then.
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    #: Who saved it; None for the command line.
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    title: Mapped[str] = mapped_column(String(200))
    body: Mapped[str]
    visibility: Mapped[str] = mapped_column(String(16))
    package_id: Mapped[str | None] = mapped_column(BytewiseText)
    version_range: Mapped[str | None]
    act: Mapped[str] = mapped_column(String(16))

    user: Mapped[User | None] = relationship()


class NoteTag(Created, Base):
    """A `#tag` in the body of a note."""

    __tablename__ = "note_tags"

    note_id: Mapped[int] = mapped_column(
        ForeignKey("notes.id", ondelete="CASCADE"), primary_key=True
    )
    #: In lower case, without the sign.
    tag: Mapped[str] = mapped_column(BytewiseText, primary_key=True, index=True)


class NoteLink(Created, Base):
    """A package that `[[package]]` in the body of a note names."""

    __tablename__ = "note_links"

    note_id: Mapped[int] = mapped_column(
        ForeignKey("notes.id", ondelete="CASCADE"), primary_key=True
    )
    #: The normalised name; there may be no such package here.
    package_id: Mapped[str] = mapped_column(BytewiseText, primary_key=True, index=True)


class NoteComment(Changed, Base):
    """What somebody says about a note."""

    __tablename__ = "note_comments"
    __table_args__ = NO_REUSE

    id: Mapped[BigKey]
    note_id: Mapped[int] = mapped_column(ForeignKey("notes.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    body: Mapped[str]
    #: Since when it is gone; its text is empty then.
    deleted_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()


class NoteDraft(Changed, Base):
    """What somebody has typed and not saved."""

    __tablename__ = "note_drafts"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    #: `new`, or the number of the note that is edited.
    key: Mapped[str] = mapped_column(String(20), primary_key=True)
    title: Mapped[str] = mapped_column(default="")
    body: Mapped[str] = mapped_column(default="")
    #: The form's other fields.
    fields: Mapped[dict[str, Any]] = mapped_column(default=dict)
    #: The edition of the note that the text began from.
    edition: Mapped[int | None]
