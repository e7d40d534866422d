"""From the spools into the table.

The rows of a batch and the position up to which its spool was read are committed together. A drain
that is cut off anywhere is therefore simply done again.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from time import monotonic
from typing import Any, cast

import structlog
from sqlalchemy import Table, delete, insert, select
from sqlalchemy.orm import Session

from packslip.db import write_transaction
from packslip.downloads.models import Download, DownloadSpool
from packslip.downloads.rollups import sum_up
from packslip.downloads.spool import (
    Batch,
    DownloadRecord,
    SpoolWriter,
    has_writer,
    list_spools,
    read_batch,
)
from packslip.downloads.upkeep import see_to_downloads
from packslip.downloads.user_agent import parse_user_agent
from packslip.storage.protocol import Storage
from packslip.turns import TurnState, turn

#: Seconds for which the thread gathers records before it drains them: the first ones after a quiet
#: time, and those that come all the time. A drain costs more than many records do.
GATHER = 0.2
GATHER_BUSY = 1.0

#: Seconds after which the thread looks for spools of processes that died.
IDLE = 30.0

#: Seconds after which the thread tries again what failed.
RETRY = 5.0

#: For how long the work of a day belongs to the process that is at it, in case that it dies.
_LEASE = timedelta(minutes=30)

log = structlog.get_logger()


@dataclass
class Drained:
    """What a drain did."""

    records: int = 0
    #: Lines that were no records, and were passed over.
    malformed: int = 0


class DrainBusyError(Exception):
    """Another process drains this folder."""


def drain(session: Session, folder: Path, *, wait: bool = True) -> Drained:
    """Bring all that is in the spools of `folder` into the table, in transactions of its own.

    When it returns, every download that had been recorded at the call is a row.

    Raises:
        DrainBusyError: another process is at it, and `wait` is False.
        UnavailableError: the database was held by another process for too long.
    """
    drained = Drained()
    if not folder.is_dir():
        return drained
    with _only_drainer(folder, wait=wait):
        for spool in list_spools(folder):
            try:
                _drain_spool(session, spool, drained)
            except OSError as error:
                log.error("spool cannot be read", spool=spool.name, error=str(error))
    if drained.malformed:
        log.warning("malformed records of downloads", count=drained.malformed)
    return drained


@contextmanager
def _only_drainer(folder: Path, *, wait: bool) -> Iterator[None]:
    descriptor = os.open(folder / "drain.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise DrainBusyError from error
        yield
    finally:
        os.close(descriptor)


def _drain_spool(session: Session, spool: Path, drained: Drained) -> None:
    # Asked before reading: what has no writer now is read to its real end.
    finished = not has_writer(spool)
    position = _position(session, spool)
    while True:
        batch = read_batch(spool, position, finished=finished)
        if batch.end == position:
            break
        _take_in(session, spool, position, batch)
        position = batch.end
        drained.records += len(batch.records)
        drained.malformed += batch.malformed
    if finished:
        _remove(session, spool)


def _position(session: Session, spool: Path) -> int:
    # A transaction that the caller began may not see what another process drained since.
    session.rollback()
    query = select(DownloadSpool.position).where(DownloadSpool.id == spool.name)
    return session.scalar(query) or 0


def _take_in(session: Session, spool: Path, position: int, batch: Batch) -> None:
    rows = [_row(record) for record in batch.records]
    with write_transaction(session):
        entry = session.get(DownloadSpool, spool.name, with_for_update=True)
        if entry is None:
            entry = DownloadSpool(id=spool.name, position=0)
            session.add(entry)
        if entry.position != position:
            raise RuntimeError(f"{spool.name} was drained by somebody else meanwhile")
        entry.position = batch.end
        if rows:
            session.execute(insert(cast("Table", Download.__table__)), rows)
            sum_up(session, rows)


def _row(record: DownloadRecord) -> dict[str, Any]:
    # PostgreSQL refuses texts with NUL.
    user_agent = record.user_agent.replace("\0", "")
    return {
        "created_at": record.at,
        "package_id": record.package,
        "release_id": record.release,
        "file": record.file,
        "ip_address": record.address,
        "user_agent": user_agent,
        "user_id": record.user,
        "token_id": record.token,
        **_told_by(user_agent),
    }


@lru_cache(maxsize=1024)
def _told_by(user_agent: str) -> Mapping[str, Any]:
    """The columns that a `User-Agent` fills."""
    return asdict(parse_user_agent(user_agent))


def _remove(session: Session, spool: Path) -> None:
    # The file goes first, and for good: without its position it would be taken in again.
    spool.unlink()
    descriptor = os.open(spool.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    with write_transaction(session):
        session.execute(delete(DownloadSpool).where(DownloadSpool.id == spool.name))


class Drainer:
    """Drains soon after it was woken, in a daemon thread that the first wake starts."""

    def __init__(
        self,
        writer: SpoolWriter,
        open_session: Callable[[], Session],
        retention: int | None = None,
        open_archive: Callable[[], Storage | None] = lambda: None,
    ) -> None:
        self._writer = writer
        self._retention = retention
        self._open_archive = open_archive
        self._open_session = open_session
        self._process = 0
        self._starting = threading.Lock()
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._seen_to_on: date | None = None

    def wake(self) -> None:
        """Have the spools drained; return at once."""
        # A fork takes no threads along.
        if self._process != os.getpid():
            self._start()
        if not self._wanted.is_set():
            self._wanted.set()

    def stop(self) -> None:
        """End the thread after the drain that it is at, if there is one."""
        if self._thread is not None and self._process == os.getpid():
            self._stopping.set()
            self._wanted.set()
            self._thread.join(timeout=5)
            self._process = 0

    def _start(self) -> None:
        with self._starting:
            if self._process == os.getpid():
                return
            self._wanted = threading.Event()
            self._stopping = threading.Event()
            self._thread = threading.Thread(target=self._run, name="drain", daemon=True)
            self._thread.start()
            self._process = os.getpid()
            # A thread that is cut off within the database library can crash the interpreter.
            atexit.register(self.stop)

    def _see_to_it_daily(self, session: Session) -> None:
        today = datetime.now(UTC).date()
        if self._seen_to_on != today:
            midnight = datetime.combine(today, time(), UTC)
            with turn(session, "downloads", since=midnight, lease=_LEASE) as state:
                if state is TurnState.OURS:
                    see_to_downloads(session, today, self._retention, self._open_archive())
            if state is not TurnState.TAKEN:
                self._seen_to_on = today

    def _run(self) -> None:
        drained_at = -GATHER_BUSY
        while not self._stopping.is_set():
            self._wanted.wait(IDLE)
            is_quiet = monotonic() - drained_at >= GATHER_BUSY
            self._stopping.wait(GATHER if is_quiet else GATHER_BUSY)
            self._wanted.clear()
            drained_at = monotonic()
            try:
                self._writer.flush()
                with self._open_session() as session:
                    drain(session, self._writer.folder, wait=False)
                    self._see_to_it_daily(session)
            except DrainBusyError:
                # It may have passed this process's spool already.
                self._wanted.set()
            except Exception as error:
                log.error("downloads cannot be drained", error=str(error))
                self._wanted.set()
                self._stopping.wait(RETRY)
