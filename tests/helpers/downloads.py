"""Records of downloads for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from packslip.downloads.models import WHOLE_INDEX, Download, DownloadSpool, DownloadTotal
from packslip.downloads.rollups import sum_up
from packslip.downloads.spool import DownloadRecord, SpoolWriter

#: What a record holds unless a test says otherwise.
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

#: When a line of a spool was written.
MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def add_downloads(session: Session, *downloads: dict[str, Any]) -> None:
    """Add records as the drain does, with their sums; nothing is committed."""
    values = {"created_at": NOON, "package_id": "demo", "release_id": 1, "file": "x"}
    for download in downloads:
        row = values | download
        session.execute(insert(Download), [row])
        sum_up(session, [row])


def line(number: int, **fields: object) -> bytes:
    """A line of a spool, whose release has that number."""
    values = {"at": MOMENT, "package": "demo", "release": number, "file": "demo.whl", **fields}
    return msgspec.json.encode(DownloadRecord(**values))  # type: ignore[arg-type]


def write_spool(folder: Path, *lines: bytes) -> SpoolWriter:
    """A spool with these lines; its writer lives."""
    writer = SpoolWriter(folder)
    for text in lines:
        writer.append(text)
    return writer


def taken_in(session: Session) -> list[int]:
    """The releases of all rows."""
    session.rollback()
    return sorted(session.scalars(select(Download.release_id)))


def positions(session: Session) -> list[int]:
    """Up to where spools were taken in."""
    session.rollback()
    return list(session.scalars(select(DownloadSpool.position)))


def summed(session: Session, package_id: str = WHOLE_INDEX) -> int:
    """How many downloads pages show for a package."""
    session.rollback()
    return session.get_one(DownloadTotal, package_id, populate_existing=True).downloads
