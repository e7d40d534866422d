"""What is done about downloads once a day."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy.orm import Session

from packslip.db import write_transaction
from packslip.downloads.partitions import make_partitions
from packslip.downloads.retention import forget_old
from packslip.downloads.rollups import note_never_downloaded, refresh_recent


def see_to_downloads(session: Session, today: date, retention: int | None) -> None:
    """Make room for those to come, count recent ones anew, and forget what is older than that.

    `retention` is a number of days. Done again, it changes nothing.

    Raises:
        UnavailableError: the database was held by another process for too long.
    """
    make_partitions(session, today)
    with write_transaction(session):
        refresh_recent(session, today)
        note_never_downloaded(session, today)
    if retention is not None:
        forget_old(session, today - timedelta(days=retention))
