"""Records of downloads."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from packslip.db import NO_REUSE, Base, BigKey, Changed, Created


class Download(Created, Base):
    """One file that was served whole. `created_at` is the moment at which it was.

    What it speaks of is named by key, without foreign keys: the record outlives the package.
    """

    __tablename__ = "downloads"
    __table_args__ = (Index(None, "package_id", "created_at"), NO_REUSE)

    id: Mapped[BigKey]
    package_id: Mapped[str] = mapped_column(index=True)
    release_id: Mapped[int] = mapped_column(BigInteger, index=True)
    #: The file's name.
    file: Mapped[str]
    #: Whole, shortened or absent, as `PACKSLIP_DOWNLOAD_ADDRESSES` says.
    ip_address: Mapped[str | None] = mapped_column(String(45))
    user_agent: Mapped[str] = mapped_column(default="")
    user_id: Mapped[int | None] = mapped_column(BigInteger)
    token_id: Mapped[int | None] = mapped_column(BigInteger)
    installer: Mapped[str | None] = mapped_column(String(32))
    installer_version: Mapped[str | None] = mapped_column(String(64))
    python_version: Mapped[str | None] = mapped_column(String(64))
    system: Mapped[str | None] = mapped_column(String(64))


class DownloadSpool(Changed, Base):
    """How far a process's spool of downloads has been brought into the table.

    It changes in the transaction that adds the rows, so that no record is lost or added twice.
    """

    __tablename__ = "download_spools"

    #: The spool's file name.
    id: Mapped[str] = mapped_column(primary_key=True)
    #: Bytes of it that were taken in.
    position: Mapped[int] = mapped_column(BigInteger)
