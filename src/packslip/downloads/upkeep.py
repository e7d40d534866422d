"""What is done about downloads once a day."""

from __future__ import annotations

from datetime import date, timedelta

import structlog
from sqlalchemy.orm import Session

from packslip.db import write_transaction
from packslip.downloads.archive import archive_days, first_day_left
from packslip.downloads.partitions import make_partitions
from packslip.downloads.retention import forget_old
from packslip.downloads.rollups import note_never_downloaded, refresh_recent
from packslip.storage.protocol import Storage

log = structlog.get_logger(__name__)


def see_to_downloads(
    session: Session, today: date, retention: int | None, archive: Storage | None = None
) -> None:
    """Make room for those to come, count recent ones anew, archive days, and forget old ones.

    `retention` is a number of days. With an archive, what is not in it is not forgotten. Done
    again, it changes nothing.

    Raises:
        UnavailableError: the database was held by another process for too long.
    """
    make_partitions(session, today)
    with write_transaction(session):
        refresh_recent(session, today)
        note_never_downloaded(session, today)
    if archive is not None:
        for day, rows in archive_days(session, archive, today):
            log.info("downloads were archived", day=day.isoformat(), downloads=rows)
    if retention is not None:
        before = today - timedelta(days=retention)
        forget_old(session, before if archive is None else first_day_left(session, before))
