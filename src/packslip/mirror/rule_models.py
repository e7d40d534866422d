"""The rules about what comes through the mirror, as they are kept."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, false
from sqlalchemy.orm import Mapped, mapped_column

from packslip.db import NO_REUSE, Base, BigId, BigKey, Changed, Created


class MirrorRule(Changed, Base):
    """One rule: see `packslip.mirror.rules.Rule`."""

    __tablename__ = "mirror_rules"
    __table_args__ = NO_REUSE

    id: Mapped[BigKey]
    #: One of `packslip.mirror.rules.Kind`.
    kind: Mapped[str] = mapped_column(String(16), index=True)
    packages: Mapped[list[str]] = mapped_column(default=list)
    version_range: Mapped[str | None]
    licenses: Mapped[list[str]] = mapped_column(default=list)
    file_kind: Mapped[str | None] = mapped_column(String(16))
    tags: Mapped[list[str]] = mapped_column(default=list)
    days: Mapped[int | None]
    not_after: Mapped[datetime | None]
    expires_at: Mapped[datetime | None] = mapped_column(index=True)
    lifts_deny: Mapped[bool] = mapped_column(default=False, server_default=false())
    reason: Mapped[str] = mapped_column(String(200), default="", server_default="")
    #: The key of the note that asked for it, whose table is not known here.
    note_id: Mapped[int | None] = mapped_column(BigId, index=True)
    #: Who made it.
    username: Mapped[str] = mapped_column(String(80))


class MirrorRuleState(Changed, Base):
    """A single row, by which a process knows whether the rules that it read still stand.

    Whoever changes rules writes it, and so waits for others who do.
    """

    __tablename__ = "mirror_rule_states"

    id: Mapped[BigKey]
    #: Another text after each change, which never comes again.
    token: Mapped[str] = mapped_column(String(32))


class MirrorDecision(Created, Base):
    """What was decided about a note that asks for an exception."""

    __tablename__ = "mirror_decisions"

    #: The key of the note, whose table is not known here.
    note_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    approved: Mapped[bool]
    #: The exception, while there is one.
    rule_id: Mapped[int | None] = mapped_column(BigId, index=True)
    #: Who decided.
    username: Mapped[str] = mapped_column(String(80))
