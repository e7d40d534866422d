"""Files that are fetched now, and those who wait for them.

However many ask for a file, one thread of one process on this machine fetches it. It goes on when
whoever asked first is gone. When its process dies, one of those who wait takes over.
"""

from __future__ import annotations

import atexit
import os
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import structlog
from flask import Flask, current_app
from msgspec.structs import replace

from packslip.mirror.fetching import Attempt
from packslip.mirror.file_queries import Wanted
from packslip.mirror.parts import PartFile, Stage, sweep_parts
from packslip.web.context import current_settings

#: Files that one process fetches at a time.
MOST = 12

#: Seconds between two looks at what another process does.
POLL = 0.02

#: The same when this process fetches and says when there is something new.
_LONG_POLL = 0.5

_EXTENSION = "packslip_fetches"

log = structlog.get_logger(__name__)


class _Lead:
    """A fetch by a thread of this process."""

    def __init__(self) -> None:
        self.condition = threading.Condition()
        self.news = 0

    def tell(self) -> None:
        with self.condition:
            self.news += 1
            self.condition.notify_all()


class Fetches:
    """The fetches of one process. See `current_fetches`."""

    def __init__(self, app: Flask, after_keeping: Callable[[], None]) -> None:
        self._app = app
        self._after_keeping = after_keeping
        self._lock = threading.Lock()
        self._leads: dict[str, _Lead] = {}
        self._stopping = threading.Event()
        self._process = 0

    def lead(self, wanted: Wanted, part: PartFile, seen: str) -> bool:
        """Begin to fetch the file, unless somebody does or there is no thread free for it.

        `seen` is the attempt whose failure the caller knows; a newer failure is left to be told.
        Gives False when `part` lost its name and must be opened anew.
        """
        name = wanted.part_name
        if not part.has_name:
            return False
        with self._lock:
            self._prepare()
            if name in self._leads or len(self._leads) >= MOST:
                return True
            own = PartFile(part.path)
            if not own.lock():
                own.close()
                return True
            head = own.head()
            is_news = head.stage is Stage.FAILED and head.attempt != seen
            if is_news or not (own.has_name and part.has_name):
                own.close()
                return is_news
            try:
                attempt = secrets.token_hex(8)
                own.write_head(replace(head, stage=Stage.RUNNING, attempt=attempt, failure=None))
                self._start(name, wanted.file_id, own)
            except BaseException:
                if not own.size:
                    own.remove()
                own.close()
                raise
        return True

    def wait(self, wanted: Wanted, news: int) -> None:
        """Wait until there may be more than `news`."""
        lead = self._leads.get(wanted.part_name)
        if lead is None:
            time.sleep(POLL)
            return
        with lead.condition:
            lead.condition.wait_for(lambda: lead.news != news, _LONG_POLL)

    def news(self, wanted: Wanted) -> int:
        """A number that changes with each piece that comes through this process."""
        lead = self._leads.get(wanted.part_name)
        return -1 if lead is None else lead.news

    def stop(self) -> None:
        """Break off what is fetched; other processes and later ones go on from there."""
        if self._process != os.getpid():
            return
        atexit.unregister(self.stop)
        self._stopping.set()
        deadline = time.monotonic() + 5
        while self._leads and time.monotonic() < deadline:
            time.sleep(POLL)

    def _prepare(self) -> None:
        # A fork takes no threads along.
        if self._process == os.getpid():
            return
        self._process = os.getpid()
        self._leads = {}
        self._stopping = threading.Event()
        # A thread that is cut off within the database library can crash the interpreter.
        atexit.register(self.stop)

    def _start(self, name: str, file_id: int, part: PartFile) -> None:
        lead = _Lead()
        attempt = Attempt(self._app, file_id, part, lead.tell, self._stopping)

        def run() -> None:
            try:
                if attempt.run():
                    self._clear_up()
            finally:
                with self._lock:
                    del self._leads[name]
                lead.tell()

        thread = threading.Thread(target=run, name=f"fetch {file_id}", daemon=True)
        self._leads[name] = lead
        try:
            thread.start()
        except BaseException:
            del self._leads[name]
            raise

    def _clear_up(self) -> None:
        try:
            with self._app.app_context():
                sweep_parts(mirror_folder())
                self._after_keeping()
        except Exception as error:
            log.error("room could not be made for files of the mirror", error=str(error))


def mirror_folder() -> Path:
    """Where files are while they are fetched."""
    return current_settings().data / "mirror"


def init_app(app: Flask, after_keeping: Callable[[], None]) -> None:
    """Give the application its fetches. Nothing is started before the first one.

    `after_keeping` is called in the background, within the application, after a file was kept.
    """
    app.extensions[_EXTENSION] = Fetches(app, after_keeping)


def current_fetches() -> Fetches:
    """The fetches of the current application."""
    return cast("Fetches", current_app.extensions[_EXTENSION])
