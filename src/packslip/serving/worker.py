"""gunicorn's worker with threads, for clients that stall and for an end that loses no request."""

from __future__ import annotations

import time
from concurrent.futures import Future
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.http.body import ChunkedReader, LengthReader
from gunicorn.workers.gthread import TConn, ThreadWorker

from packslip.serving.stalling import Watchdog

#: Seconds for which connections without a request are kept once the worker is to end.
_LAST_PATIENCE = 2.0


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """A process that serves with threads."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._watchdog = Watchdog()

    def init_process(self) -> None:
        """Serve until the worker is to end."""
        self._watchdog.start()
        super().init_process()

    def handle(self, conn: TConn) -> Any:
        """Read a request and answer it, in a thread."""
        with self._watchdog.watching(conn.sock):
            return super().handle(conn)

    def handle_request(self, req: Any, conn: TConn) -> Any:
        """Answer a request whose headers have come."""
        self._watchdog.note_request(conn.sock, _Request(req))
        return super().handle_request(req, conn)

    def finish_request(self, conn: TConn, fs: Future[Any]) -> None:
        """Keep the connection if the client was told so, even when the worker is to end.

        Its next request may be on the way already. It is answered, and told that it is the last.
        """
        if self.alive or fs.cancelled() or fs.exception() or fs.result() is not True:
            super().finish_request(conn, fs)
            return
        conn.sock.setblocking(False)
        conn.set_timeout()
        self.keepalived_conns.append(conn)
        readable = partial(self.on_client_socket_readable, conn)
        self.poller.register(conn.sock, EVENT_READ, readable)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for what happens on connections, for so many seconds, and see to it."""
        super().wait_for_and_dispatch_events(timeout if self.alive else min(timeout, 0.5))

    def murder_keepalived(self) -> None:
        """Close connections that have had no request for long."""
        if not self.alive:
            latest = time.monotonic() + _LAST_PATIENCE
            for conn in (*self.keepalived_conns, *self.pending_conns):
                conn.timeout = min(conn.timeout, latest)
        super().murder_keepalived()


class _Request:
    """A request of gunicorn's, as the watchdog sees it."""

    def __init__(self, request: Any) -> None:
        self._reader = request.body.reader

    def owes_body(self) -> bool:
        """Whether more of its body is to come."""
        if isinstance(self._reader, LengthReader):
            return bool(self._reader.length)
        return isinstance(self._reader, ChunkedReader) and self._reader.parser is not None
