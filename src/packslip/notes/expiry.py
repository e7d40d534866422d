"""Ending what has expired: by readers of the index before they answer, and in the background."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol, TypeVar, cast

import structlog
from flask import Flask, current_app
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from packslip.db import db, write_transaction
from packslip.errors import UnavailableError
from packslip.notes.acts import end_detached, expire_acts
from packslip.notes.models import Note
from packslip.notes.operations import BIN_TIME, purge_deleted
from packslip.notes.queries import (
    expired_packages,
    is_any_expired,
    is_any_long_deleted,
    is_detached,
)
from packslip.packages.effects import are_past

#: Seconds after which the thread looks again.
POLL = 5.0

_EXTENSION = "packslip_expiry"

log = structlog.get_logger(__name__)


class Read(Protocol):
    """What was read of a package, with when the first of its acts expires."""

    @property
    def acts_until(self) -> datetime | None:
        """None when none does."""


_Found = TypeVar("_Found", bound=Read)


def read_current(session: Session, read: Callable[[], _Found]) -> _Found:
    """What `read` gives; it is read again if an act that it tells of has expired.

    When the database cannot be written just now, it is as it was: what guards the team stays.
    """
    found = read()
    if not are_past(found.acts_until):
        return found
    try:
        lift_expired(session)
    except (UnavailableError, SQLAlchemyError) as error:
        session.rollback()
        log.warning("acts that have expired could not be lifted", error=str(error))
    return read()


def lift_expired(session: Session) -> int:
    """End all acts that have expired, each package in a transaction of its own; give how many."""
    session.rollback()
    lifted = 0
    for package_id in expired_packages(session, datetime.now(UTC)):
        with write_transaction(session):
            lifted += len(expire_acts(session, package_id))
    return lifted


def lift_expired_of(session: Session, package_id: str) -> None:
    """The same for whoever is about to change one package, and reads what is said of it."""
    if is_any_expired(session, package_id, datetime.now(UTC)):
        lift_expired(session)


def clear_up(session: Session) -> None:
    """Remove notes that were long deleted, and end what acted on packages that were removed."""
    session.rollback()
    now = datetime.now(UTC)
    # Asked without the write lock, which SQLite has only one of.
    detached = select(Note.id).where(is_detached()).limit(1)
    if is_any_long_deleted(session, now - BIN_TIME) or session.scalar(detached) is not None:
        with write_transaction(session):
            purge_deleted(session, now)
            end_detached(session)
    session.rollback()


class Sweeper:
    """Looks for what has expired every few seconds, in a daemon thread once it is started."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._process = 0
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Look from now on, in this process."""
        if self._process == os.getpid():
            return
        # A fork takes no threads along.
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="expiry", daemon=True)
        self._thread.start()
        self._process = os.getpid()
        # A thread that is cut off within the database library can crash the interpreter.
        atexit.register(self.stop)

    def stop(self) -> None:
        """End the thread, after what it is at unless that takes long."""
        if self._thread is not None and self._process == os.getpid():
            self._stopping.set()
            self._thread.join(timeout=5)
            self._process = 0

    def sweep(self) -> None:
        """Look once. Nothing is raised: what could not be done is left for the next time."""
        try:
            with self._app.app_context(), Session(db.engine) as session:
                lift_expired(session)
                clear_up(session)
        except Exception as error:
            log.error("what has expired could not be ended", error=str(error))

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.sweep()
            self._stopping.wait(POLL)


def init_app(app: Flask) -> None:
    """Give the application a sweeper that is not started."""
    app.extensions[_EXTENSION] = Sweeper(app)


def current_sweeper() -> Sweeper:
    """The sweeper of the current application."""
    return cast("Sweeper", current_app.extensions[_EXTENSION])
