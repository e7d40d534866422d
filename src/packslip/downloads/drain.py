"""From the spools into the table.

Rows and the positions up to which spools were read are committed together
(`packslip.downloads.intake`). A drain that is cut off anywhere is therefore simply done again.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from time import monotonic

import structlog
from sqlalchemy import delete
from sqlalchemy.orm import Session

from packslip.db import write_transaction
from packslip.downloads.intake import Drained, Intake
from packslip.downloads.models import DownloadSpool
from packslip.downloads.spool import (
    SpoolWriter,
    has_writer,
    list_spools,
    read_batch,
)
from packslip.downloads.upkeep import see_to_downloads
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


class DrainBusyError(Exception):
    """Another process drains this folder."""


def drain(session: Session, folder: Path, *, wait: bool = True) -> Drained:
    """Bring all that is in the spools of `folder` into the table, in transactions of its own.

    When it returns, every download that had been recorded at the call is a row.

    Raises:
        DrainBusyError: another process is at it, and `wait` is False.
        UnavailableError: the database was held by another process for too long.
    """
    intake = Intake(session)
    if not folder.is_dir():
        return intake.drained
    with _only_drainer(folder, wait=wait):
        finished: list[Path] = []
        for spool in list_spools(folder):
            with _passing_over(spool):
                if _read(intake, spool):
                    finished.append(spool)
        intake.commit()
        for spool in finished:
            with _passing_over(spool):
                _remove(session, spool)
    if intake.drained.malformed:
        log.warning("malformed records of downloads", count=intake.drained.malformed)
    return intake.drained


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


@contextmanager
def _passing_over(spool: Path) -> Iterator[None]:
    """A spool that is damaged does not stop the others."""
    try:
        yield
    except OSError as error:
        log.error("spool cannot be read", spool=spool.name, error=str(error))


def _read(intake: Intake, spool: Path) -> bool:
    """Read a spool to its end; tell whether that is its end for good."""
    # Asked before reading: what has no writer now is read to its real end.
    finished = not has_writer(spool)
    position = intake.position(spool.name)
    while (batch := read_batch(spool, position, finished=finished)).end > position:
        intake.add(spool.name, position, batch)
        position = batch.end
    return finished


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
