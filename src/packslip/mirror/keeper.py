"""What the mirror does beside answering: the lists of names, texts for its packages, clearing up.

It is done by a thread of each server process; what is for all of them, by one in turn. Nothing of
it is lost when a process dies: what was not done is found to be missing the next time.
"""

from __future__ import annotations

import atexit
import os
import queue
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import cast

import structlog
from flask import Flask, current_app
from sqlalchemy.orm import Session

from packslip.db import db
from packslip.errors import PackslipError
from packslip.mirror.circuit import is_broken
from packslip.mirror.current import current_mirror
from packslip.mirror.describing import describe
from packslip.mirror.missing_names import forget_missing
from packslip.mirror.names import fetch_names
from packslip.mirror.upstreams import Upstream
from packslip.turns import TurnState, turn

#: How long a list of names is used.
NAMES_TTL = timedelta(hours=24)

#: Seconds between two looks at the lists.
_POLL = 60.0

#: For how long work belongs to the process that is at it, in case that it dies.
_LEASE = timedelta(minutes=5)

#: Packages that may wait for their texts; more are left to the next time that they change.
_ROOM = 10_000

#: Beside so many that wait, releases that somebody looks at are left out.
_FEW = 100

#: Seconds after which a release is asked for again.
_AGAIN = 3600.0

#: A package, and the version of one of its releases; None for the latest.
_Wanted = tuple[str, str | None]

_EXTENSION = "packslip_mirror_keeper"

log = structlog.get_logger(__name__)


class Keeper:
    """Works in a daemon thread once it is started."""

    def __init__(self, app: Flask, look_for_news: Callable[[Session], object]) -> None:
        self._app = app
        self._look_for_news = look_for_news
        self._process = 0
        self._waiting: queue.Queue[_Wanted | None] = queue.Queue(_ROOM)
        #: When releases that somebody looked at were last asked for.
        self._looked_for: dict[_Wanted, float] = {}
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Work from now on, in this process."""
        if self._process == os.getpid():
            return
        # A fork takes no threads along.
        self._waiting = queue.Queue(_ROOM)
        self._thread = threading.Thread(target=self._run, name="mirror", daemon=True)
        self._thread.start()
        self._process = os.getpid()
        # A thread that is cut off within the database library can crash the interpreter.
        atexit.register(self.stop)

    def stop(self) -> None:
        """End the thread, after what it is at unless that takes long."""
        if self._thread is not None and self._process == os.getpid():
            with self._waiting.mutex:
                self._waiting.queue.clear()
            self._waiting.put(None)
            self._thread.join(timeout=5)
            self._process = 0

    def describe_soon(self, package_id: str) -> None:
        """Give the package its texts when there is time; nothing happens before the start."""
        if self._process != os.getpid():
            return
        try:
            self._waiting.put_nowait((package_id, None))
        except queue.Full:
            log.info("too many packages wait for their texts", package=package_id)

    def describe_release_soon(self, package_id: str, version: str) -> None:
        """Give a release, whose page somebody looks at, what it says of itself.

        Nothing happens when many wait, or when that was tried within the hour.
        """
        if self._process != os.getpid() or self._waiting.qsize() >= _FEW:
            return
        wanted, now = (package_id, version), time.monotonic()
        if now - self._looked_for.get(wanted, -_AGAIN) < _AGAIN:
            return
        if len(self._looked_for) >= _ROOM:
            self._looked_for.clear()
        self._looked_for[wanted] = now
        self._waiting.put_nowait(wanted)

    def _run(self) -> None:
        looked_at = -_POLL
        while True:
            if time.monotonic() - looked_at >= _POLL:
                self._quietly(self._renew_names)
                self._quietly(self._forget_missing)
                self._quietly(self._look)
                looked_at = time.monotonic()
            try:
                wanted = self._waiting.get(timeout=_POLL)
            except queue.Empty:
                continue
            if wanted is None:
                return
            self._quietly(partial(self._describe, *wanted))

    def _quietly(self, work: Callable[[], None]) -> None:
        try:
            with self._app.app_context():
                work()
        except Exception as error:
            log.error("the mirror's work failed", error=str(error))

    def _describe(self, package_id: str, version: str | None) -> None:
        with Session(db.engine) as session:
            describe(session, package_id, version)

    def _forget_missing(self) -> None:
        self._in_turn("forget missing names", forget_missing)

    def _look(self) -> None:
        self._in_turn("look for news", self._look_for_news)

    def _in_turn(self, name: str, work: Callable[[Session], object]) -> None:
        """Work unless another process did so lately, or is at it."""
        lately = datetime.now(UTC) - timedelta(seconds=0.9 * _POLL)
        with (
            Session(db.engine) as session,
            turn(session, name, since=lately, lease=_LEASE) as state,
        ):
            if state is TurnState.OURS:
                work(session)

    def _renew_names(self) -> None:
        for upstream in current_mirror().upstreams:
            try:
                renew_names(upstream)
            except PackslipError as error:
                log.warning("no list of names", upstream=upstream.name, reason=str(error))


def renew_names(upstream: Upstream, *, at_once: bool = False) -> int | None:
    """Take the list of all of the upstream's packages if the one that is here is old.

    Returns:
        How many there are; None when nothing was to do, another process is at it, or the upstream
        is not asked at the moment.

    Raises:
        UpstreamFailedError: it could not be had.
        UpstreamSlowError: it did not come in time.
    """
    names = current_mirror().names_of(upstream)
    taken_at = names.taken_at
    if not at_once and taken_at is not None and datetime.now(UTC) < taken_at + NAMES_TTL:
        return None
    # How that goes says nothing about other requests: a list of this length may well be slow.
    with names.alone() as is_alone:
        if not is_alone or is_broken(upstream):
            return None
        return fetch_names(upstream, names)


def init_app(app: Flask, look_for_news: Callable[[Session], object]) -> None:
    """Give the application a keeper that is not started.

    It calls `look_for_news` once a minute, within the application.
    """
    app.extensions[_EXTENSION] = Keeper(app, look_for_news)


def current_keeper() -> Keeper:
    """The keeper of the current application."""
    return cast("Keeper", current_app.extensions[_EXTENSION])
