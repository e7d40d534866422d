"""What upstream changed that somebody should look at."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from packslip.db import NO_REUSE, Base, BigId, BigKey, BytewiseText, Changed


class AlarmKind(StrEnum):
    """What upstream did."""

    #: It gives another digest than before.
    ALTERED = "altered"
    #: It sent other bytes than it announces.
    WRONG = "wrong"
    VANISHED = "vanished"
    YANKED = "yanked"
    STATUS = "status"


class MirrorAlarm(Changed, Base):
    """All changes of one kind that upstream made to a package on one day: the draft of a note.

    It is one for all curators, until one of them makes a note of it or dismisses it.
    """

    __tablename__ = "mirror_alarms"
    __table_args__ = (UniqueConstraint("package_id", "kind", "day"), NO_REUSE)

    id: Mapped[BigKey]
    package_id: Mapped[str] = mapped_column(
        BytewiseText, ForeignKey("packages.id", ondelete="CASCADE")
    )
    #: One of `AlarmKind`.
    kind: Mapped[str] = mapped_column(String(16))
    #: In UTC, such as 2026-01-31.
    day: Mapped[str] = mapped_column(String(10))
    #: The upstream's name, if it is known.
    upstream: Mapped[str | None]
    #: `versions` and `filenames`; `before` and `after` of a status.
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    #: How often it happened, and the number of the latest event that tells of it.
    count: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    event_id: Mapped[int] = mapped_column(BigId)
    #: Since when nobody has to look at it any more.
    settled_at: Mapped[datetime | None] = mapped_column(index=True)
    #: Who saw to that.
    settled_by: Mapped[str | None] = mapped_column(String(80))
    #: The key of the note that was made of it, whose table is not known here.
    note_id: Mapped[int | None] = mapped_column(BigId)
