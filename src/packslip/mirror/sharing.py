"""A mirrored file is fetched by one node of all that share a database.

Within a machine the lock of the part file sees to that. Between machines it is an advisory lock of
PostgreSQL, held for a transaction: it is free again when its holder dies, and works through
PgBouncer. It is a courtesy: where it cannot be had in time the file is fetched all the same.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from packslip.db import db, is_postgresql, try_exclusively

#: Seconds for which another node is waited for: those who wait here have little more patience.
PATIENCE = 10.0

#: Files for which one process holds a lock, and with it a connection, at a time; more are fetched
#: without.
MOST = 4

#: Seconds between two looks at what another node does.
_POLL = 0.1

log = structlog.get_logger(__name__)

_free = threading.BoundedSemaphore(MOST)


@contextmanager
def alone(file_id: int, stopping: threading.Event) -> Iterator[None]:
    """Fetch the file in the block, once no other node is at it any more.

    Look again within the block whether it is still to be fetched. The block begins in any case,
    after `PATIENCE` at the latest, or as soon as everything stops.
    """
    with Session(db.engine) as session:
        if not is_postgresql(session) or not _free.acquire(blocking=False):
            yield
            return
        try:
            _take(session, f"mirrored file {file_id}", stopping.wait)
            yield
        finally:
            _let_go(session)
            _free.release()


def _take(session: Session, name: str, wait: Callable[[float], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    try:
        while not try_exclusively(session, name):
            # What waits holds no connection.
            session.rollback()
            if time.monotonic() > deadline or wait(_POLL):
                return
    except SQLAlchemyError as error:
        log.warning("other nodes may fetch the same", what=name, reason=str(error))
        _let_go(session)


def _let_go(session: Session) -> None:
    try:
        session.rollback()
    except SQLAlchemyError as error:
        # The connection was lost meanwhile, and the lock with it.
        log.warning("the lock of a fetch was lost", reason=str(error))
        session.invalidate()
