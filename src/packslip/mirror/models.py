"""What is known about upstreams and what came from them.

Mirrored packages, releases and files are rows as hosted ones are (`packslip.packages.models`).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, false, text, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from packslip.db import Base, BigId, BytewiseText, Changed
from packslip.packages.models import File


class PageState(StrEnum):
    """What upstreams said of a name when they were asked last."""

    #: None has answered yet.
    UNKNOWN = "unknown"
    FOUND = "found"
    #: All of them said that there is no such package.
    MISSING = "missing"


class MirrorPage(Changed, Base):
    """A name that upstreams were asked for; there may be no such package."""

    __tablename__ = "mirror_pages"
    # Names that nobody has are found among any number of those that somebody has.
    __table_args__ = (Index(None, "state", "updated_at"),)

    #: The normalised name.
    package_id: Mapped[str] = mapped_column(BytewiseText, primary_key=True)
    state: Mapped[str] = mapped_column(
        String(16), default=PageState.UNKNOWN, server_default=PageState.UNKNOWN
    )
    #: The name of the upstream that has it.
    upstream: Mapped[str | None]
    # What its answer is revalidated with, as it gave them.
    etag: Mapped[str | None]
    last_modified: Mapped[str | None]
    #: When upstream last said what is true now, be it that nothing has changed.
    checked_at: Mapped[datetime | None] = mapped_column(index=True)
    #: When it last said something new.
    changed_at: Mapped[datetime | None]
    #: When it last failed to answer, and how; None once it answered again.
    failed_at: Mapped[datetime | None]
    failure: Mapped[str | None]
    #: Until when whoever asks upstream now has time to do so.
    lease_until: Mapped[datetime | None]
    leased_by: Mapped[str | None] = mapped_column(String(64))
    #: When a client last wanted it, to about an hour.
    asked_at: Mapped[datetime | None] = mapped_column(index=True)


class MirrorFile(Changed, Base):
    """What is known of a mirrored file beside its row in `files`."""

    __tablename__ = "mirror_files"

    file_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("files.id", ondelete="CASCADE"), primary_key=True
    )
    #: Digests that upstream gives and `files` has no column for, by the name of their algorithm.
    digests: Mapped[dict[str, Any]] = mapped_column(default=dict)
    #: What upstream offers of the metadata: its SHA-256, `true` without one, None for nothing.
    metadata_offered: Mapped[str | None] = mapped_column(String(64))
    #: Whether the metadata is held here.
    metadata_kept: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: Whether upstream says when it was uploaded; else `uploaded_at` is when it was first seen.
    dated: Mapped[bool] = mapped_column(default=True, server_default=true())
    #: Why upstream yanked this file, empty without a reason; None when it did not. The release is
    #: yanked when all of its files are.
    yanked: Mapped[str | None]
    #: Absolute address of the provenance object (PEP 740).
    provenance: Mapped[str | None]
    #: Since when the bytes are held here; None while they are not.
    kept_at: Mapped[datetime | None] = mapped_column(index=True)
    #: When the bytes were last asked for, to about an hour.
    used_at: Mapped[datetime | None] = mapped_column(index=True)
    #: Whether the bytes stay however little room is left.
    pinned: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: Since when upstream does not list it any more.
    vanished_at: Mapped[datetime | None]
    #: Why it is not served: upstream changed its bytes, or sent others than it announced.
    refused: Mapped[str | None]
    #: From when a refused file may be asked for again; None while it may not be at all.
    retry_at: Mapped[datetime | None]

    file: Mapped[File] = relationship()


class MirrorUpstream(Changed, Base):
    """How asking an upstream went lately, for all processes."""

    __tablename__ = "mirror_upstreams"

    name: Mapped[str] = mapped_column(BytewiseText, primary_key=True)
    answered_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    failure: Mapped[str | None]
    #: How often it failed since it last answered.
    failures: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    #: Until when nobody asks it.
    broken_until: Mapped[datetime | None]
