"""What waits between an upload on a page and its confirmation."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, String, false
from sqlalchemy.orm import Mapped, mapped_column

from packslip.db import Base, Changed


class StagedUpload(Changed, Base):
    """A file that somebody uploaded on a page and has not confirmed yet.

    The row comes before its bytes and goes after them. So whatever lies in the storage for it can
    be found and removed, at whatever step a process ended; see `packslip.index.staged_uploads`.
    """

    __tablename__ = "staged_uploads"

    #: Random. It stands in addresses and in the key of the bytes, and is no secret.
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    #: Whose it is: for everybody else there is no such upload.
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    filename: Mapped[str]
    #: Bytes of the file, held or not.
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    md5: Mapped[str] = mapped_column(String(32))
    blake2_256: Mapped[str] = mapped_column(String(64))
    #: What is wrong with the file itself; then its bytes are not held. Each has `step` and
    #: `reason`, and `field` where one of the metadata is at fault.
    faults: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    #: What could be read of its core metadata, as a release keeps it.
    core_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", default=dict)
    #: Whether its bytes are all there, if it has no faults.
    arrived: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: When it is as good as gone: published, discarded, or waiting for too long.
    expires_at: Mapped[datetime] = mapped_column(index=True)
