"""Clearing up uploads that nobody confirmed, in the background."""

from __future__ import annotations

import atexit
import os
import threading
from typing import cast

import structlog
from flask import Flask, current_app
from sqlalchemy.orm import Session

from packslip.db import db
from packslip.index.staged_uploads import sweep
from packslip.web.context import current_storage

#: Seconds between two looks.
POLL = 60.0

_EXTENSION = "packslip_staged_uploads"

log = structlog.get_logger(__name__)


class Sweeper:
    """Looks for what has expired once a minute, in a daemon thread once it is started."""

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
        self._thread = threading.Thread(target=self._run, name="staged uploads", daemon=True)
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
                sweep(session, current_storage())
        except Exception as error:
            log.error("uploads that have expired could not be removed", error=str(error))

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
