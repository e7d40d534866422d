"""Attestations of files."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from packslip.db import Base, BigId, Created


class Attested(Created, Base):
    """What came with a file to show where it was made (PEP 740)."""

    __tablename__ = "attestations"

    file_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("files.id", ondelete="CASCADE"), primary_key=True
    )
    #: Who published the file, as the provenance tells it; empty when it was no trusted publisher.
    publisher: Mapped[dict[str, Any]] = mapped_column(default=dict)
    #: As they came.
    attestations: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    #: When they were found to be right, and the publisher's; None if nobody has looked.
    verified_at: Mapped[datetime | None]
