"""Records of downloads for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from packslip.downloads.models import Download
from packslip.downloads.rollups import sum_up

#: What a record holds unless a test says otherwise.
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def add_downloads(session: Session, *downloads: dict[str, Any]) -> None:
    """Add records as the drain does, with their sums; nothing is committed."""
    values = {"created_at": NOON, "package_id": "demo", "release_id": 1, "file": "x"}
    for download in downloads:
        row = values | download
        session.execute(insert(Download), [row])
        sum_up(session, [row])
