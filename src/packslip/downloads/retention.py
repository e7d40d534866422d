"""Forgetting single downloads that are old. Their sums stay for ever.

Nothing goes that the sums do not hold: each day is counted in both before.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast

import structlog
from sqlalchemy import CursorResult, delete, func, select
from sqlalchemy.orm import Session

from packslip.db import is_postgresql, write_transaction
from packslip.downloads.models import WHOLE_INDEX, Dimension, Download, DownloadSum
from packslip.downloads.partitions import drop_partition, end_of, list_partitions, next_month

#: Rows that one transaction deletes. Others can write between two.
BATCH = 5_000

#: Transactions of one call; what is left is for the next one.
MOST_BATCHES = 400

log = structlog.get_logger(__name__)


def forget_old(session: Session, before: date) -> int:
    """Forget downloads of the days before that one; give how many are known to be gone.

    On PostgreSQL whole months go, those that ended before it.
    """
    session.rollback()
    forgotten = 0
    if is_postgresql(session):
        before = before.replace(day=1)
        for name in list_partitions(session):
            end = end_of(name)
            if end is not None and end <= before:
                forgotten += _drop(session, name, end)
    return forgotten + _delete(session, before)


def _drop(session: Session, name: str, end: date) -> int:
    found = select(func.min(Download.created_at)).where(Download.created_at < _begin(end))
    first = session.scalar(found)
    month = first.date().replace(day=1) if first is not None else end
    if not name.startswith("downloads_before_"):
        month = date(int(name[-7:-3]), int(name[-2:]), 1)
    rows = 0
    while month < end:
        counted = _count(session, month, next_month(month))
        if counted is None:
            return 0
        rows += counted
        month = next_month(month)
    session.rollback()
    drop_partition(session, name)
    log.info("old downloads were forgotten", partition=name, downloads=rows)
    return rows


def _delete(session: Session, before: date) -> int:
    deleted = 0
    looked_at = None
    for _ in range(MOST_BATCHES):
        first = session.scalar(
            select(func.min(Download.created_at)).where(Download.created_at < _begin(before))
        )
        if first is None:
            break
        day = first.date()
        if day != looked_at and _count(session, day, day + timedelta(days=1)) is None:
            break
        looked_at = day
        session.rollback()
        deleted += _delete_batch(session, first, day + timedelta(days=1))
    session.rollback()
    return deleted


def _delete_batch(session: Session, first: datetime, end: date) -> int:
    # The time is named twice: parts of the table that are not meant need not be looked at.
    old = (Download.created_at >= first, Download.created_at < _begin(end))
    some = select(Download.id).where(*old).order_by(Download.created_at).limit(BATCH)
    with write_transaction(session):
        gone = delete(Download).where(Download.id.in_(some), *old)
        result = session.execute(gone.execution_options(synchronize_session=False))
    return cast("CursorResult[Any]", result).rowcount


def _count(session: Session, first: date, end: date) -> int | None:
    """How many downloads of these days there are; None if the sums do not hold all of them."""
    rows = 0
    day = first
    while day < end:
        following = day + timedelta(days=1)
        there = session.scalar(
            select(func.count())
            .select_from(Download)
            .where(Download.created_at >= _begin(day), Download.created_at < _begin(following))
        )
        summed = session.scalar(
            select(DownloadSum.downloads).where(
                DownloadSum.package_id == WHOLE_INDEX,
                DownloadSum.dimension == Dimension.TOTAL,
                DownloadSum.day == day,
                DownloadSum.value == "",
            )
        )
        if (there or 0) > (summed or 0):
            log.error(
                "downloads are kept that were not summed up",
                day=day.isoformat(),
                downloads=there,
                summed=summed or 0,
            )
            return None
        rows += there or 0
        day = following
    return rows


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
