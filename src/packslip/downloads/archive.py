"""Single downloads as Parquet, a folder a day, for programs that count themselves.

A day is written once it is over. What is drained later, of a node that was down, comes as another
part of its day. The row of a part is committed after its bytes, so that a part without one is
written again; and no download is in two parts, since each begins after the last one of the part
before.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from packslip.db import write_transaction
from packslip.downloads.models import Download, DownloadPart
from packslip.errors import PackslipError
from packslip.packages.models import Release
from packslip.storage.protocol import StagedFile, Storage

if TYPE_CHECKING:
    import pyarrow as pa

#: Rows that are in memory at a time, and in a row group.
BATCH = 50_000

#: Days that one run writes at most; the next one goes on.
MOST_DAYS = 400

_WANTED = (
    Download.id,
    Download.created_at,
    Download.package_id,
    Release.version,
    Download.file,
    Download.installer,
    Download.installer_version,
    Download.python_version,
    Download.system,
)

log = structlog.get_logger(__name__)


class NoParquetError(PackslipError):
    """The library for it is an extra."""

    def __init__(self) -> None:
        super().__init__("Writing Parquet needs a library: pip install 'packslip[parquet]'.")


class _Sink(io.RawIOBase):
    """A staged file, as a library takes files."""

    def __init__(self, staged: StagedFile) -> None:
        super().__init__()
        self._staged = staged

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        return self._staged.write(memoryview(data))


def archive_days(session: Session, storage: Storage, today: date) -> Iterator[tuple[date, int]]:
    """Write all days before today that are not written wholly; yield each with its rows.

    Raises:
        NoParquetError: the library is not installed.
        StorageUnavailableError: the archive cannot be used.
        StorageFullError: there is no room left in it.
    """
    for day in _days_left(session, today):
        yield day, _archive(session, storage, day)


def first_day_left(session: Session, before: date) -> date:
    """The first day before that one that has downloads which are not archived; else that one."""
    return next(iter(_days_left(session, before)), before)


def key_of(day: date, part: int) -> str:
    """Where a part lies, laid out as Hive does it: `downloads/day=2026-03-04/part-0.parquet`."""
    return f"downloads/day={day.isoformat()}/part-{part}.parquet"


def _days_left(session: Session, before: date) -> list[date]:
    session.rollback()
    first = session.scalar(select(func.min(Download.created_at)))
    found: list[date] = []
    day = before if first is None else first.astimezone(UTC).date()
    while day < before and len(found) < MOST_DAYS:
        if _count(session, day) > sum(part.downloads for part in _parts(session, day)):
            found.append(day)
        day += timedelta(days=1)
    return found


def _archive(session: Session, storage: Storage, day: date) -> int:
    parts = _parts(session, day)
    last = max((part.last_id for part in parts), default=0)
    key = key_of(day, len(parts))
    # It may be there, cut off before its row was committed.
    storage.delete(key)
    with storage.stage() as staged:
        rows, last = _write(session, staged, day, last)
        if rows:
            storage.put(key, staged)
    session.rollback()
    if rows:
        with write_transaction(session):
            session.add(DownloadPart(day=day, part=len(parts), downloads=rows, last_id=last))
    if rows + sum(part.downloads for part in parts) != _count(session, day):
        # Retention lets all of it stay until somebody has looked.
        log.error("a day of downloads is not archived wholly", day=day.isoformat())
    return rows


def _write(session: Session, staged: StagedFile, day: date, last: int) -> tuple[int, int]:
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError as error:
        raise NoParquetError from error
    rows = 0
    schema = _schema(pa)
    with parquet.ParquetWriter(_Sink(staged), schema, compression="zstd") as writer:
        while True:
            batch = session.execute(_select(day, last)).all()
            if not batch:
                return rows, last
            columns = list(zip(*batch, strict=True))
            writer.write_table(
                pa.table(
                    {
                        field.name: pa.array(values, field.type)
                        for field, values in zip(schema, columns[1:], strict=True)
                    },
                    schema=schema,
                )
            )
            rows += len(batch)
            last = batch[-1].id
            session.rollback()


def _schema(pa: Any) -> pa.Schema:
    # Nobody is in it: neither addresses nor users.
    return pa.schema(
        [
            pa.field("at", pa.timestamp("us", tz="UTC"), nullable=False),
            pa.field("package", pa.string(), nullable=False),
            pa.field("version", pa.string()),
            pa.field("file", pa.string(), nullable=False),
            pa.field("installer", pa.string()),
            pa.field("installer_version", pa.string()),
            pa.field("python_version", pa.string()),
            pa.field("system", pa.string()),
        ]
    )


def _select(day: date, last: int) -> Any:
    return (
        select(*_WANTED)
        .outerjoin(Release, Release.id == Download.release_id)
        .where(*_of(day), Download.id > last)
        .order_by(Download.id)
        .limit(BATCH)
    )


def _count(session: Session, day: date) -> int:
    counted = select(func.count()).select_from(Download).where(*_of(day))
    return session.scalar(counted) or 0


def _parts(session: Session, day: date) -> list[DownloadPart]:
    query = select(DownloadPart).where(DownloadPart.day == day).order_by(DownloadPart.part)
    return list(session.scalars(query))


def _of(day: date) -> tuple[Any, Any]:
    begin = datetime.combine(day, time(), UTC)
    return Download.created_at >= begin, Download.created_at < begin + timedelta(days=1)
