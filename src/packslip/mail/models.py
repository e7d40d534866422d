"""Mail that waits to be sent."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from packslip.db import NO_REUSE, Base, BigKey, Created


class Mail(Created, Base):
    """A message to write and send. The row goes when that is done.

    The text is written only when it is sent: it may hold a secret link, which is kept nowhere.
    """

    __tablename__ = "mails"
    __table_args__ = NO_REUSE

    id: Mapped[BigKey]
    #: Which text it is; see `packslip.mail.sender`.
    kind: Mapped[str] = mapped_column(String(40))
    #: The address, as it was typed.
    recipient: Mapped[str] = mapped_column(String(320))
    #: What the text is about.
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    attempts: Mapped[int] = mapped_column(default=0)
    #: When it is tried next; later than now while somebody is just sending it.
    due_at: Mapped[datetime] = mapped_column(index=True)
