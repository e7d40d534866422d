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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import structlog
from flask import Flask, current_app
from msgspec.structs import replace

from packslip.errors import GatewayTimeoutError, UnavailableError
from packslip.mirror.fetching import Attempt
from packslip.mirror.file_queries import Wanted
from packslip.mirror.parts import Head, PartFile, Stage, part_path, sweep_parts
from packslip.web.context import current_settings

#: Files that one process fetches at a time.
MOST = 12

#: Seconds after which a client is told that nothing came.
PATIENCE = 14.0

#: Bytes at the end of a file that wait until all of them are known to be right.
HELD_BACK = 64 * 1024

#: Seconds between two looks at what another process does.
_POLL = 0.02

#: The same when this process fetches and says when there is something new.
_LONG_POLL = 0.5

_BLOCK = 128 * 1024
_EXTENSION = "packslip_fetches"

log = structlog.get_logger(__name__)


class CutOffError(UnavailableError):
    """What was sent of a file turned out to be wrong; the client's connection ends here."""

    def __init__(self, filename: str) -> None:
        super().__init__(f"The bytes of {filename} that were sent so far are given up.")


class NothingCameError(GatewayTimeoutError):
    """Nothing of the file came in time."""

    def __init__(self, filename: str, seconds: float) -> None:
        super().__init__(f"The mirror got nothing of {filename} within {seconds:.0f} s.")


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

    def follow(self, wanted: Wanted) -> Following:
        """Have the file fetched, unless somebody does, and read behind."""
        return Following(self, wanted)

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
                own.close()
                raise
        return True

    def wait(self, wanted: Wanted, news: int) -> None:
        """Wait until there may be more than `news`."""
        lead = self._leads.get(wanted.part_name)
        if lead is None:
            time.sleep(_POLL)
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
        self._stopping.set()
        deadline = time.monotonic() + 5
        while self._leads and time.monotonic() < deadline:
            time.sleep(_POLL)

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


class Following:
    """Reads a file while it is fetched. Close it at the end."""

    def __init__(self, fetches: Fetches, wanted: Wanted) -> None:
        self._fetches = fetches
        self.wanted = wanted
        self._part = PartFile(part_path(mirror_folder(), wanted.part_name))
        self._seen = self._part.head().attempt
        self._sent = 0
        #: What stands there belongs to this turn, once something was told or sent of it.
        self._turn: int | None = None
        # Whoever fetched it may have died before it was kept.
        self._lead()

    @property
    def length(self) -> int | None:
        """Bytes that the file has, as far as upstream says so."""
        return self._part.head().length

    @property
    def is_kept(self) -> bool:
        """Whether it was in the storage already: then it is to be read there."""
        return self._part.head().stage is Stage.KEPT

    def begin(self, seconds: float = PATIENCE) -> None:
        """Wait until there is something to send.

        Raises:
            NothingCameError: there is nothing after so many seconds.
            PackslipError: the file could not be fetched.
        """
        if self._wait(lambda head: self._sendable(head) > 0, seconds) is None:
            head = self._part.head()
            if head.length is None and not self._part.size:
                raise NothingCameError(self.wanted.filename, seconds)
        self._turn = self._part.head().turn

    def finish(self, seconds: float) -> bool:
        """Wait until all of it is known to be right; return whether that was in time.

        Raises:
            PackslipError: the file could not be fetched.
        """
        return self._wait(lambda head: False, seconds) is not None

    def keep(self, seconds: float) -> bool:
        """Wait until it is in the storage; return whether that was in time.

        Raises:
            PackslipError: the file could not be fetched.
        """
        if not self.finish(seconds):
            return False
        deadline = time.monotonic() + seconds
        # Whoever fetched it takes the name away when it is kept, or cannot be.
        while self._part.has_name and time.monotonic() < deadline:
            time.sleep(_POLL)
        return not self._part.has_name

    def blocks(self) -> Iterator[tuple[bytes, bool]]:
        """Yield the file piece by piece, each with whether it is the last one.

        The end is held back until all bytes are known to be right.

        Raises:
            CutOffError: what was yielded is wrong.
            PackslipError: the file could not be fetched.
        """
        while True:
            news = self._fetches.news(self.wanted)
            head = self._look()
            if head.stage is Stage.KEPT:
                raise CutOffError(self.wanted.filename)
            stop = self._sendable(head)
            for data in self._part.read(self._sent, stop, _BLOCK):
                if self._part.head().turn != head.turn:
                    raise CutOffError(self.wanted.filename)
                self._turn = head.turn
                self._sent += len(data)
                yield data, head.is_done and self._sent == stop
            if head.is_done:
                if self._sent < stop:
                    raise CutOffError(self.wanted.filename)
                if not stop:
                    yield b"", True
                return
            self._fetches.wait(self.wanted, news)

    def close(self) -> None:
        """Stop reading; the fetch goes on."""
        self._part.close()

    def _sendable(self, head: Head) -> int:
        size = self._part.size
        if head.is_done:
            return size
        return max(0, (size if head.length is None else min(size, head.length)) - HELD_BACK)

    def _wait(self, is_enough: Callable[[Head], bool], seconds: float) -> Head | None:
        deadline = time.monotonic() + seconds
        while True:
            news = self._fetches.news(self.wanted)
            head = self._look()
            if head.is_done or is_enough(head):
                return head
            if time.monotonic() > deadline:
                return None
            self._fetches.wait(self.wanted, news)

    def _look(self) -> Head:
        head = self._part.head()
        if self._turn is not None and head.turn != self._turn:
            raise CutOffError(self.wanted.filename)
        if head.is_done:
            return head
        if head.stage is Stage.FAILED and head.attempt != self._seen:
            raise head.error()
        self._lead()
        return self._part.head()

    def _lead(self) -> None:
        while not self._fetches.lead(self.wanted, self._part, self._seen):
            if self._turn is not None:
                raise CutOffError(self.wanted.filename)
            self._part.close()
            self._part = PartFile(self._part.path)


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
