"""Finished answers: pages of the Simple API as they went over the wire, to be sent again.

What the routes answer to somebody who says nothing of themselves is kept, with the stamp of what it
rests on. The server sends it again, before a thread or Flask have to do with the request, if the
database still says that stamp. So it is never stale, whoever changed what in which process.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog
from flask import Flask
from gunicorn.util import http_date
from prometheus_client import Counter

from packslip.db import db
from packslip.index.looking import Looker, looker
from packslip.index.quick_requests import QuickRequest, RequestReader
from packslip.setting_choices import LogRequests
from packslip.settings import Settings
from packslip.web.at_once import Answer, Later, Loop
from packslip.web.metrics import metrics_of

#: Bytes of answers that a process keeps at most.
ROOM = 64 * 1024 * 1024

#: Is given the client's address and its `User-Agent`.
OnSent = Callable[[str, str], None]

#: Path, Accept and Accept-Encoding as the client sends them.
Key = tuple[bytes, bytes, bytes]


log = structlog.get_logger("packslip.requests")


@dataclass(frozen=True, slots=True)
class Basis:
    """What an answer rests on."""

    #: A package, or "" for all of them.
    package_id: str
    stamp: int
    #: Until when that is all; None for ever.
    until: datetime | None = None

    def is_over(self, now: float) -> bool:
        """Whether time alone has changed it, by that number of seconds since the epoch."""
        return self.until is not None and self.until.timestamp() <= now


@dataclass(frozen=True, slots=True)
class Finished:
    """An answer, and the one to a client that has it already."""

    basis: Basis
    #: Which route answered so.
    route: str
    etag: bytes
    #: Headers, each with the end of its line: of the answer, and of the one without a body.
    head: bytes
    unchanged: bytes
    body: bytes
    on_sent: OnSent | None
    #: Whether a proxy is to send the bytes in its place.
    is_for_proxy: bool = False


class FinishedAnswers:
    """The answers that a process keeps. Any thread may add some; one thread sends them."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app = app
        self._answers: OrderedDict[Key, Finished] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()
        self._read_request = RequestReader(settings.trusted_proxies)
        self._looker: Looker | None = None
        self._loop: Loop | None = None
        self._second = 0
        self._date = b""
        self._metrics = metrics_of(app)
        #: Counts answers of that route and status.
        self._counters: dict[tuple[str, int], Counter] = {}
        self._logs = settings.log_requests is LogRequests.ALL

    def attach(self, loop: Loop) -> None:
        """Work with that loop, in its thread, from now on."""
        self._loop = loop

    def answer(self, received: bytes, address: str) -> Answer | Later | None:
        """The whole answer to a whole request, and whether the connection is kept after it.

        None if there is none, or if what came is anything but a plain request; it does not wait.
        """
        asked = self._read_request(received)
        if asked is None:
            return None
        key = asked.path, asked.accept, asked.encoding
        with self._lock:
            found = self._answers.get(key)
            if found is None:
                return None
            self._answers.move_to_end(key)
        if found.is_for_proxy and not asked.client:
            return None
        if found.basis.is_over(time.time()):
            self._drop(key)
            return None
        later = Later()
        then = partial(self._go_on, later, key, found, asked, asked.client or address)
        if not self._look().look(found.basis.package_id, then):
            return None
        return later.answer if later.is_given else later

    def after_round(self) -> None:
        """See to what is left, after all that has come was seen to."""
        if self._looker is not None:
            self._looker.after_round()

    def keep(self, key: Key, answer: Finished) -> None:
        """Keep an answer; those that were not asked for the longest go to make room."""
        size = len(answer.body)
        if size > ROOM // 4:
            return
        with self._lock:
            self._remove(key)
            self._answers[key] = answer
            self._size += size
            while self._size > ROOM:
                self._remove(next(iter(self._answers)))

    def close(self) -> None:
        """Keep nothing of what is kept now, and let go of the database."""
        with self._lock:
            self._answers.clear()
            self._size = 0
        if self._looker is not None:
            self._looker.close()
            self._looker = None

    def _look(self) -> Looker:
        if self._looker is None:
            with self._app.app_context():
                self._looker = looker(db.engine)
            if self._loop is not None:
                self._looker.attach(self._loop)
        return self._looker

    def _go_on(  # noqa: PLR0917 - what is known of the request so far
        self,
        later: Later,
        key: Key,
        found: Finished,
        asked: QuickRequest,
        address: str,
        stamp: int | None,
    ) -> None:
        """Answer, if the answer still stands by the stamp of now."""
        if later.is_given:
            return
        answer = None
        if stamp == found.basis.stamp:
            try:
                answer = self._tell(found, asked, address), asked.keeps_connection
            except Exception:
                # A thread may do better; all other connections hang on this one.
                log.exception("error answering at once")
        elif stamp is not None:
            self._drop(key)
        later.give(answer)

    def _tell(self, found: Finished, asked: QuickRequest, address: str) -> bytes:
        is_known = asked.etag == found.etag
        if found.on_sent is not None and not is_known:
            found.on_sent(address, asked.agent)
        request_id = secrets.token_hex(8)
        self._note(found, asked, address, 304 if is_known else 200, request_id)
        return self._write(found, asked, is_known, request_id)

    def _note(
        self, found: Finished, asked: QuickRequest, address: str, status: int, request_id: str
    ) -> None:
        counter = self._counters.get((found.route, status))
        if counter is None:
            counter = self._metrics.requests.labels("GET", found.route, status)
            self._counters[found.route, status] = counter
        counter.inc()
        if self._logs:
            log.info(
                "request",
                method="GET",
                route=found.route,
                path=asked.path.decode("ascii"),
                status=status,
                size=0 if status == 304 else len(found.body),
                address=address,
                request_id=request_id,
            )

    def _write(
        self, found: Finished, asked: QuickRequest, is_known: bool, request_id: str
    ) -> bytes:
        now = time.time()
        if int(now) != self._second:
            self._second, self._date = int(now), http_date(now).encode()
        return b"".join(
            (
                b"HTTP/1.1 304 NOT MODIFIED" if is_known else b"HTTP/1.1 200 OK",
                b"\r\nServer: gunicorn\r\nDate: ",
                self._date,
                b"\r\nConnection: keep-alive\r\n"
                if asked.keeps_connection
                else b"\r\nConnection: close\r\n",
                found.unchanged if is_known else found.head,
                b"X-Request-ID: ",
                request_id.encode(),
                b"\r\n\r\n",
                b"" if is_known else found.body,
            )
        )

    def _drop(self, key: Key) -> None:
        with self._lock:
            self._remove(key)

    def _remove(self, key: Key) -> None:
        found = self._answers.pop(key, None)
        if found is not None:
            self._size -= len(found.body)
