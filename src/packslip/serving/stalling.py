"""Clients that stall: each keeps a thread, so they are cut off after a while."""

from __future__ import annotations

import contextlib
import fcntl
import socket
import struct
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

#: Seconds in which all headers of a request must have come.
HEADER_PATIENCE = 20.0

#: Bytes that must move within the patience for a connection that the server waits for.
LEAST_MOVED = 4096

#: Where Linux keeps bytes_acked and bytes_received in `struct tcp_info` (linux/tcp.h).
_COUNTERS = struct.Struct("=120x2Q")


class Request(Protocol):
    """A request whose headers were read."""

    def owes_body(self) -> bool:
        """Whether more of its body is to come."""


@dataclass(eq=False)
class _Exchange:
    """A request and its answer, on a connection that a thread is busy with."""

    connection: socket.socket
    since: float = field(default_factory=time.monotonic)
    request: Request | None = None
    #: When enough bytes had moved last, and how many had by then.
    moved_at: float = 0.0
    moved: int = 0


class Watchdog:
    """Looks at the connections of a process, in a thread of its own, and ends those that stall.

    All headers of a request must have come after `header_patience` seconds. Then, while the server
    waits for the client, `LEAST_MOVED` bytes must move within each `patience` seconds.
    """

    def __init__(
        self,
        *,
        header_patience: float = HEADER_PATIENCE,
        patience: float = 60.0,
        interval: float = 2.0,
    ) -> None:
        self._header_patience = header_patience
        self._patience = patience
        self._interval = interval
        self._exchanges: dict[socket.socket, _Exchange] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def start(self) -> None:
        """Begin to watch. Only Linux tells how many bytes a connection has moved."""
        if sys.platform == "linux":
            threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Watch no longer."""
        self._ended.set()

    @contextmanager
    def watching(self, connection: socket.socket) -> Iterator[None]:
        """Watch the connection for the block, in which a request is read and answered."""
        with self._lock:
            self._exchanges[connection] = _Exchange(connection)
        try:
            yield
        finally:
            # Under the lock, so that nothing is done to a connection that is closed afterwards.
            with self._lock:
                del self._exchanges[connection]

    def note_request(self, connection: socket.socket, request: Request) -> None:
        """Note that all headers of the request have come."""
        with self._lock:
            exchange = self._exchanges[connection]
            exchange.request, exchange.moved_at = request, time.monotonic()

    def _run(self) -> None:
        while not self._ended.wait(self._interval):
            with self._lock:
                for exchange in self._exchanges.values():
                    # A connection may end at any moment.
                    with contextlib.suppress(OSError):
                        if self._is_overdue(exchange, time.monotonic()):
                            exchange.connection.shutdown(socket.SHUT_RDWR)

    def _is_overdue(self, exchange: _Exchange, now: float) -> bool:
        if exchange.request is None:
            return now - exchange.since > self._header_patience
        moved = _count_moved(exchange.connection)
        waits = _waits_for_client(exchange.connection, exchange.request)
        if not waits or moved is None or moved - exchange.moved >= LEAST_MOVED:
            exchange.moved_at, exchange.moved = now, moved or 0
        return now - exchange.moved_at > self._patience


def _waits_for_client(connection: socket.socket, request: Request) -> bool:
    if _queued(connection, termios.TIOCOUTQ):
        return True
    return request.owes_body() and not _queued(connection, termios.FIONREAD)


def _queued(connection: socket.socket, queue: int) -> int:
    """Bytes that the kernel holds for the client, or has from it (tcp(7), SIOCOUTQ and SIOCINQ)."""
    held = fcntl.ioctl(connection, queue, struct.pack("i", 0))
    return int(struct.unpack("i", held)[0])


def _count_moved(connection: socket.socket) -> int | None:
    """Bytes that came from the client and that it took; None where the kernel does not count."""
    told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _COUNTERS.size)
    if len(told) < _COUNTERS.size:
        return None
    acknowledged, received = _COUNTERS.unpack(told)
    return acknowledged + received if received else None
