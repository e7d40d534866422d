"""Records of downloads."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from packslip.db import NO_REUSE, Base, BigKey, BytewiseText, Changed, Created

#: Stands in place of a package for the index as a whole; no package has such a name.
WHOLE_INDEX = ""


class Dimension(StrEnum):
    """What downloads are summed up by, each day."""

    TOTAL = "total"
    RELEASE = "release"
    INSTALLER = "installer"
    PYTHON = "python"
    SYSTEM = "system"


class Download(Created, Base):
    """One file that was served whole. `created_at` is the moment at which it was.

    On PostgreSQL the table has parts (`packslip.downloads.partitions`), so that the moment belongs
    to its key there. What it speaks of is named by key, without foreign keys: the record outlives
    the package.
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


class DownloadSum(Changed, Base):
    """How many downloads of a package have something in common on a day."""

    __tablename__ = "download_sums"

    #: The package, or `WHOLE_INDEX`, for which releases are not summed up.
    package_id: Mapped[str] = mapped_column(BytewiseText, primary_key=True)
    #: One of `Dimension`.
    dimension: Mapped[str] = mapped_column(String(12), primary_key=True)
    #: In UTC.
    day: Mapped[date] = mapped_column(primary_key=True)
    #: A version, an installer, a Python version (X.Y), a system; empty where it is not known, and
    #: for the total.
    value: Mapped[str] = mapped_column(BytewiseText, primary_key=True)
    downloads: Mapped[int] = mapped_column(BigInteger)


class DownloadPart(Created, Base):
    """A part of a day's downloads that was archived, see `packslip.downloads.archive`."""

    __tablename__ = "download_parts"

    #: In UTC.
    day: Mapped[date] = mapped_column(primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True)
    downloads: Mapped[int] = mapped_column(BigInteger)
    #: The number of the last download in it.
    last_id: Mapped[int] = mapped_column(BigInteger)


class DownloadTotal(Changed, Base):
    """How many downloads a package had, so that packages can be ordered by it."""

    __tablename__ = "download_totals"

    #: The package, or `WHOLE_INDEX`.
    package_id: Mapped[str] = mapped_column(BytewiseText, primary_key=True)
    downloads: Mapped[int] = mapped_column(BigInteger, default=0)
    #: Those of the last 30 days, today's among them.
    recent: Mapped[int] = mapped_column(BigInteger, default=0, index=True)
    last_at: Mapped[datetime] = mapped_column(index=True)
    #: The day on which `recent` was counted anew; kept for the index as a whole.
    recent_on: Mapped[date]
