"""Load: connections that each send the next request once the last one is answered.

It runs in a process of its own, on bare sockets, so that the client costs little beside the
server. Where `wrk` is installed it may be used for plain requests; it costs less still.
"""

from __future__ import annotations

import math
import re
import resource
import selectors
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import repeat
from urllib.parse import urlsplit

from bench.http1 import AnswerReader, Request

#: Seconds for which answers are awaited after the time for sending is over.
GRACE = 60

#: No load sends more requests than this, however fast they are answered.
MOST_REQUESTS = 500_000

_READ_SIZE = 256 * 1024
_WRK_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


@dataclass(frozen=True)
class Load:
    """What to send: one request again and again, or each of several once.

    Sending stops after `seconds`; what is under way then is still awaited and counted.
    An answer with another status than `expected` is a failure.
    """

    requests: Sequence[Request]
    connections: int
    seconds: float
    expected: int = 200


@dataclass(frozen=True)
class LoadResult:
    """What came back; all times are seconds. `p50` and `p99` are times of single answers."""

    client: str
    requests: int
    failures: int
    seconds: float
    p50: float
    p99: float
    client_cpu: float


def find_client(wanted: str) -> str:
    """`wrk` or `python`, given either of them or `auto`: wrk where it is installed."""
    if wanted == "auto":
        return "wrk" if shutil.which("wrk") else "python"
    return wanted


def run(load: Load, pool: Executor, client: str) -> LoadResult:
    """Run a load in another process; wrk takes a single GET alone, the rest is for `python`."""
    if client == "wrk" and len(load.requests) == 1 and load.requests[0].method == "GET":
        return _run_wrk(load)
    return pool.submit(drive, load).result(load.seconds + 2 * GRACE)


def drive(load: Load) -> LoadResult:
    """Run a load in this process and thread."""
    encoded = [request.encode() for request in load.requests]
    queue = repeat(encoded[0], MOST_REQUESTS) if len(encoded) == 1 else iter(encoded)
    parts = urlsplit(load.requests[0].url)
    address = (parts.hostname or "", parts.port or 80)
    cpu = time.process_time()
    began = time.perf_counter()
    with selectors.DefaultSelector() as selector:
        driver = _Driver(selector, address, queue, load.expected, began + load.seconds)
        driver.run(load.connections)
    times = sorted(driver.times)
    return LoadResult(
        client="python",
        requests=len(times),
        failures=driver.failures,
        seconds=time.perf_counter() - began,
        p50=percentile(times, 50),
        p99=percentile(times, 99),
        client_cpu=time.process_time() - cpu,
    )


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of the values do not exceed; 0 of nothing."""
    if not ordered:
        return 0.0
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


class _Driver:
    """Keeps a number of connections busy."""

    def __init__(
        self,
        selector: selectors.BaseSelector,
        address: tuple[str, int],
        queue: Iterator[bytes],
        expected: int,
        deadline: float,
    ) -> None:
        self.selector = selector
        self.address = address
        self.queue = queue
        self.expected = expected
        self.deadline = deadline
        self.times: list[float] = []
        self.failures = 0
        self.busy: set[_Connection] = set()

    def run(self, connections: int) -> None:
        for _ in range(connections):
            self._next(_Connection(self.address, self.selector))
        while self.busy:
            patience = self.deadline + GRACE - time.perf_counter()
            events = self.selector.select(max(0, patience))
            if not events:
                self.failures += len(self.busy)
                break
            for key, mask in events:
                if mask & selectors.EVENT_WRITE:
                    key.data.flush()
                if mask & selectors.EVENT_READ and key.data.receive():
                    self._answered(key.data)

    def _answered(self, connection: _Connection) -> None:
        reader = connection.reader
        if reader.done and reader.status == self.expected:
            self.times.append(time.perf_counter() - connection.began)
        else:
            self.failures += 1
        if not (reader.done and reader.keeps_connection):
            connection.close()
        self._next(connection)

    def _next(self, connection: _Connection) -> None:
        request = next(self.queue, None) if time.perf_counter() < self.deadline else None
        if request is None:
            connection.close()
            self.busy.discard(connection)
        else:
            self.busy.add(connection)
            connection.send(request)


class _Connection:
    """A connection with at most one request under way; it is opened again when it was closed."""

    def __init__(self, address: tuple[str, int], selector: selectors.BaseSelector) -> None:
        self.address = address
        self.selector = selector
        self.socket: socket.socket | None = None
        self.reader = AnswerReader()
        self.began = 0.0
        self._unsent = memoryview(b"")
        self._watched = selectors.EVENT_READ

    def send(self, request: bytes) -> None:
        self.began = time.perf_counter()
        self.reader = AnswerReader()
        self._unsent = memoryview(request)
        if self.socket is None:
            self.socket = socket.create_connection(self.address, timeout=GRACE)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket.setblocking(False)
            self._watched = selectors.EVENT_READ
            self.selector.register(self.socket, self._watched, self)
        self.flush()

    def flush(self) -> None:
        """Send as much as the socket takes; the rest follows when it takes more."""
        if self.socket is None:
            return
        try:
            self._unsent = self._unsent[self.socket.send(self._unsent) :]
        except BlockingIOError:
            pass
        except ConnectionError:
            # The server may have answered before it had read everything: read that first.
            self._unsent = self._unsent[:0]
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._unsent else 0)
        if wanted != self._watched:
            self._watched = wanted
            self.selector.modify(self.socket, wanted, self)

    def receive(self) -> bool:
        """Read what has come; true when no more will come for this request."""
        if self.socket is None:
            return False
        try:
            data = self.socket.recv(_READ_SIZE)
        except BlockingIOError:
            return False
        except ConnectionError:
            data = b""
        if data:
            self.reader.feed(data)
            return self.reader.done
        self.reader.end()
        self.reader.keeps_connection = False
        return True

    def close(self) -> None:
        if self.socket:
            self.selector.unregister(self.socket)
            self.socket.close()
            self.socket = None


def _run_wrk(load: Load) -> LoadResult:
    request = load.requests[0]
    seconds = max(1, math.ceil(load.seconds))
    command = ["wrk", "--latency", "-t1", f"-c{load.connections}", f"-d{seconds}s"]
    command += [f"--timeout={GRACE}s"]
    for name, value in request.headers.items():
        command += ["-H", f"{name}: {value}"]
    cpu = _children_cpu()
    done = subprocess.run(
        [*command, request.url],
        capture_output=True,
        text=True,
        timeout=seconds + 2 * GRACE,
        check=True,
    )
    return parse_wrk(done.stdout, _children_cpu() - cpu)


def parse_wrk(output: str, client_cpu: float = 0.0) -> LoadResult:
    """Read what wrk prints when it is run with `--latency`."""
    total = re.search(r"(\d+) requests in ([\d.]+)(us|ms|s|m),", output)
    if total is None:
        raise ValueError(f"this is not what wrk prints: {output[:200]!r}")
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    broken = re.search(r"Socket errors: (.+)", output)
    failures = int(refused[1]) if refused else 0
    failures += sum(map(int, re.findall(r"\d+", broken[1]))) if broken else 0

    def latency(percent: int) -> float:
        found = re.search(rf"^\s+{percent}%\s+([\d.]+)(us|ms|s|m)$", output, re.MULTILINE)
        return float(found[1]) * _WRK_UNITS[found[2]] if found else 0.0

    return LoadResult(
        client="wrk",
        requests=int(total[1]) - (int(refused[1]) if refused else 0),
        failures=failures,
        seconds=float(total[2]) * _WRK_UNITS[total[3]],
        p50=latency(50),
        p99=latency(99),
        client_cpu=client_cpu,
    )


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
