"""gunicorn's worker with threads, and with a loop before them that no slow client can occupy."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from http import HTTPStatus
from selectors import EVENT_READ
from socket import socket
from typing import Any

from gunicorn.http.body import ChunkedReader, LengthReader
from gunicorn.util import write_nonblock
from gunicorn.workers.gthread import TConn, ThreadWorker

from packslip.serving import refusals
from packslip.serving.stalling import HEADER_PATIENCE, Watchdog
from packslip.web.at_once import Answer, Answerer, Later, T

#: Seconds for which connections without a request are kept once the worker is to end.
_LAST_PATIENCE = 2.0

#: Bytes of headers that wait for the rest of them here; what is longer is a thread's business.
_LONGEST = 16 * 1024

_READ_SIZE = 64 * 1024

#: The beginning of headers as all clients send them. Whatever else comes is a thread's business.
_BEGINNING = re.compile(rb"(?:[!-~][\t -~]*\r\n)*(?:[!-~][\t -~]*)?\r?")

#: The key under which an application offers an `Answerer`, which needs no thread.
AT_ONCE = "packslip_at_once"


class _Connection(TConn):  # type: ignore[misc]
    """A client's connection, while it waits for a request."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        #: What came of the next request's headers.
        self.received = b""
        #: The answer that it waits for, while a thread does not have it.
        self.later: Later | None = None


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """A process that serves with threads.

    All headers are read by the loop of its main thread; requests get a thread when theirs are
    whole. What the application can answer at once the loop answers itself.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._watchdog = Watchdog()
        self._answerer: Answerer | None = None
        #: Connections that wait for a request, in the order in which their patience ends.
        self._waiting: dict[_Connection, None] = {}
        #: The same for those that have sent a part of one.
        self._beginning: dict[_Connection, None] = {}

    def load_wsgi(self) -> None:
        """Load the application, and ask it for what it can answer at once."""
        super().load_wsgi()
        self._answerer = getattr(self.wsgi, "extensions", {}).get(AT_ONCE)
        if self._answerer is not None:
            self._answerer.attach(self)

    def init_process(self) -> None:
        """Serve until the worker is to end."""
        self._watchdog.start()
        super().init_process()

    def accept(self, listener: socket) -> None:
        """Accept a connection; it gets no thread before its request has come."""
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        self.nr_conns += 1
        self._await(_Connection(self.cfg, client, address, listener.getsockname()))

    def handle(self, conn: _Connection) -> Any:
        """Read a request whose headers have come, and answer it, in a thread."""
        with self._watchdog.watching(conn.sock):
            conn.init()
            conn.parser.unreader.unread(conn.received)
            conn.received = b""
            return super().handle(conn)

    def handle_request(self, req: Any, conn: _Connection) -> Any:
        """Answer a request whose headers were read."""
        self._watchdog.note_request(conn.sock, _Request(req))
        refusals.require_plain_headers(req.headers)
        return super().handle_request(req, conn)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Answer a message that cannot be read, or over which the server failed.

        Nothing of it gets into the log, since it may hold secrets.
        """
        status = refusals.status_of(exc)
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            self.log.error("A request failed outside of the application", exc_info=exc)
        else:
            address = addr[0] if addr else "a socket"
            self.log.warning("No request from %s: %s", address, type(exc).__name__)
        with contextlib.suppress(OSError):
            write_nonblock(client, refusals.answer(status))

    def finish_request(self, conn: _Connection, fs: Future[Any]) -> None:
        """Wait for the connection's next request if the client was told that it may send one.

        That holds when the worker is to end, too: the request may be on the way already. It is
        answered, and told that it is the last.
        """
        if fs.cancelled() or fs.exception() or fs.result() is not True:
            self._close(conn)
            return
        conn.sock.setblocking(False)
        # What came together with the last request is not announced by the connection again.
        conn.received = conn.parser.unreader.take_buffered()
        self._await(conn)
        if conn.received:
            self._take(conn)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for what happens on connections, for so many seconds, and see to it."""
        super().wait_for_and_dispatch_events(timeout if self.alive else min(timeout, 0.5))
        if self._answerer is not None:
            self._answerer.after_round()

    def watch(self, descriptor: int, on_ready: Callable[[], None]) -> None:
        """Call back whenever there is something to read."""
        self.poller.register(descriptor, EVENT_READ, lambda _: on_ready())

    def forget(self, descriptor: int) -> None:
        """Do so no longer."""
        self.poller.unregister(descriptor)

    def in_thread(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Do work in a thread, then go on with what came of it in the loop."""
        future = self.tpool.submit(work)
        future.add_done_callback(lambda done: self.method_queue.defer(then, done.result()))

    def murder_keepalived(self) -> None:
        """Close connections on which no request has come for long."""
        self._close_late(self._waiting, 0 if self.alive else self.cfg.keepalive - _LAST_PATIENCE)

    def murder_pending(self) -> None:
        """Close connections whose request has not come whole for long."""
        self._close_late(self._beginning, 0)

    def _await(self, conn: _Connection) -> None:
        conn.set_timeout()
        self._waiting[conn] = None
        self.poller.register(conn.sock, EVENT_READ, partial(self._read, conn))

    def _read(self, conn: _Connection, connection: socket) -> None:
        try:
            data = connection.recv(_READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._forget(conn)
            self._close(conn)
            return
        conn.received += data
        self._take(conn)

    def _take(self, conn: _Connection) -> None:
        """See to what has come of a request: answer, hand it to a thread, or wait for the rest."""
        received = conn.received
        if conn.later is not None:
            # Requests that come together are a thread's business.
            self._hand_over(conn)
            return
        answer = self._answer(conn)
        if isinstance(answer, Later):
            self._wait_for(conn, answer)
        elif answer is not None:
            self._send(conn, *answer)
        elif b"\r\n\r\n" in received or _needs_thread(received):
            self._hand_over(conn)
        elif conn in self._waiting:
            del self._waiting[conn]
            conn.timeout = time.monotonic() + HEADER_PATIENCE
            self._beginning[conn] = None

    def _hand_over(self, conn: _Connection) -> None:
        self._forget(conn)
        self.enqueue_req(conn)

    def _answer(self, conn: _Connection) -> Answer | Later | None:
        if self._answerer is None or not self.alive:
            return None
        try:
            return self._answerer.answer(conn.received, conn.client[0])
        except Exception:
            # A thread may do better; all other connections hang on this one.
            self.log.exception("Error answering at once")
            return None

    def _wait_for(self, conn: _Connection, later: Later) -> None:
        conn.later = later
        self._waiting.pop(conn, None)
        self._beginning.pop(conn, None)
        later.tell(partial(self._go_on, conn))

    def _go_on(self, conn: _Connection, answer: Answer | None) -> None:
        conn.later = None
        if answer is None:
            self._hand_over(conn)
        else:
            self._send(conn, *answer)

    def _send(self, conn: _Connection, answer: bytes, is_kept: bool) -> None:
        conn.received = b""
        try:
            sent = conn.sock.send(answer)
        except BlockingIOError:
            sent = 0
        except OSError:
            sent, is_kept = len(answer), False
        if sent == len(answer) and is_kept:
            self._beginning.pop(conn, None)
            self._waiting.pop(conn, None)
            conn.set_timeout()
            self._waiting[conn] = None
            return
        self._forget(conn)
        if sent == len(answer):
            self._close(conn)
        else:
            future = self.tpool.submit(self._send_rest, conn, memoryview(answer)[sent:], is_kept)
            future.add_done_callback(
                lambda done: self.method_queue.defer(self.finish_request, conn, done)
            )

    def _send_rest(self, conn: _Connection, rest: memoryview, is_kept: bool) -> bool:
        with self._watchdog.watching(conn.sock):
            self._watchdog.note_request(conn.sock, _Answered())
            conn.init()
            conn.sock.setblocking(True)
            conn.sock.sendall(rest)
        return is_kept

    def _forget(self, conn: _Connection) -> None:
        """Stop waiting for the connection."""
        self.poller.unregister(conn.sock)
        self._waiting.pop(conn, None)
        self._beginning.pop(conn, None)
        if conn.later is not None:
            conn.later.give_up()
            conn.later = None

    def _close(self, conn: _Connection) -> None:
        self.nr_conns -= 1
        # Clients that do not end their side are waited for.
        self.tpool.submit(conn.close, graceful=True)

    def _close_late(self, connections: dict[_Connection, None], sooner: float) -> None:
        latest = time.monotonic() + sooner
        while connections:
            conn = next(iter(connections))
            if conn.timeout > latest:
                return
            self._forget(conn)
            self.nr_conns -= 1
            conn.close()


def _needs_thread(received: bytes) -> bool:
    """Whether what has come of a request's headers is not as it should be."""
    return len(received) > _LONGEST or _BEGINNING.fullmatch(received) is None


class _Request:
    """A request of gunicorn's, as the watchdog sees it."""

    def __init__(self, request: Any) -> None:
        self._reader = request.body.reader

    def owes_body(self) -> bool:
        """Whether more of its body is to come."""
        if isinstance(self._reader, LengthReader):
            return bool(self._reader.length)
        return isinstance(self._reader, ChunkedReader) and self._reader.parser is not None


class _Answered:
    """A request that was read and answered, as the watchdog sees it."""

    def owes_body(self) -> bool:
        """It does not."""
        return False
