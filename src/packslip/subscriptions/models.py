"""Watches of people, and webhooks with what is sent to them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from packslip.accounts.models import User
from packslip.db import NO_REUSE, Base, BigKey, BytewiseText, Changed, Created


class DeliveryState(StrEnum):
    """What became of a message to a webhook."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    #: It was given up.
    FAILED = "failed"


class Watch(Created, Base):
    """A user is told of what acts on a package and comes to it, or of all that acts."""

    __tablename__ = "watches"
    __table_args__ = (
        UniqueConstraint("user_id", "package_id"),
        # Databases take each NULL for another one.
        Index(
            "uq_watches_user_id",
            "user_id",
            unique=True,
            sqlite_where=text("package_id IS NULL"),
            postgresql_where=text("package_id IS NULL"),
        ),
    )

    id: Mapped[BigKey]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    #: None for every note that acts.
    package_id: Mapped[str | None] = mapped_column(
        BytewiseText, ForeignKey("packages.id", ondelete="CASCADE"), index=True
    )
    #: Whether the user is told of new upstream releases of a mirrored package, too.
    of_releases: Mapped[bool] = mapped_column(default=False, server_default=false())

    user: Mapped[User] = relationship()


class Webhook(Changed, Base):
    """An address that is told of events."""

    __tablename__ = "webhooks"
    __table_args__ = NO_REUSE

    id: Mapped[BigKey]
    url: Mapped[str]
    #: What signs the messages, sealed (`packslip.accounts.sealing`).
    secret: Mapped[str]
    #: The kinds of event that it is told of.
    events: Mapped[list[str]]
    enabled: Mapped[bool] = mapped_column(default=True)
    #: Whether the address may be one of a private network, or of this machine.
    allow_private: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )

    created_by: Mapped[User | None] = relationship()


class WebhookDelivery(Changed, Base):
    """A message to a webhook, and what became of it."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = NO_REUSE

    id: Mapped[BigKey]
    webhook_id: Mapped[int] = mapped_column(
        ForeignKey("webhooks.id", ondelete="CASCADE"), index=True
    )
    #: What the receiver knows it by, however often it is sent.
    message_id: Mapped[str] = mapped_column(String(40), server_default="")
    kind: Mapped[str] = mapped_column(String(64))
    payload: Mapped[dict[str, Any]]
    #: One of `DeliveryState`.
    state: Mapped[str] = mapped_column(String(16), default=DeliveryState.WAITING)
    attempts: Mapped[int] = mapped_column(default=0)
    #: When it is tried next, later than now while somebody is just sending it; None when it is not
    #: tried any more.
    next_attempt_at: Mapped[datetime | None] = mapped_column(index=True)
    attempted_at: Mapped[datetime | None]
    #: The HTTP status of the last answer.
    last_status: Mapped[int | None]
    last_error: Mapped[str | None]

    webhook: Mapped[Webhook] = relationship()
