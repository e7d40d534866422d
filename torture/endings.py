"""Servers that begin anew, or end, while clients are at work."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
from tests.helpers.application import sha256, wheel
from tests.helpers.server import Server, serving

from torture.checks import check_downloads, check_files, check_log, check_notes, check_with_fsck
from torture.clients import PATIENCE, Clients, Promises, Tokens
from torture.connections import slow_connections, upload_large
from torture.tally import Arena, Tally

#: Seconds between two restarts.
BETWEEN_RESTARTS = 4.0

#: Seconds in which a server must have ended that was asked to.
END = 30.0

#: Connections of slow clients that the server must not wait for when it ends.
SLOW = 60

#: Pieces in which a slow upload comes, and seconds between two of them.
PIECES = 20
BEAT = 0.1


def lose_nothing_in_restarts(arena: Arena, tally: Tally) -> None:
    """Have the workers begin anew (`SIGHUP`) again and again, while clients are at work."""
    with serving(arena.folder / "server", workers=2, afresh=arena.options.afresh) as server:
        tokens, promises = Tokens.make(server), Promises()
        popular = wheel(arena.folder, "popular", "1.0")
        promises.send(popular.name, sha256(popular))
        assert server.upload(tokens.upload, popular).status_code == 200
        promises.acknowledge(popular.name)
        page = server.page("popular")
        assert page is not None
        clients = Clients(server, tally, promises, arena.folder / "dist", tokens)
        keeping = Keeping(server, tally, arena.options.clients // 4)
        clients.start(
            clients.upload("anew"),
            clients.upload("anew", size=1024 * 1024),
            clients.download(page["files"][0]["url"], promises.sent[popular.name]),
            clients.read("/simple/popular/", "/project/popular/"),
            clients.write_notes(),
        )
        keeping.start()
        assert server.process is not None
        end = time.monotonic() + arena.options.seconds
        while time.monotonic() < end:
            time.sleep(min(BETWEEN_RESTARTS, arena.options.seconds / 2))
            tally.count("restarts")
            os.kill(server.process.pid, signal.SIGHUP)
        keeping.stop()
        clients.stop()
        unanswered = set(promises.sent) - set(promises.acknowledged)
        tally.require(not unanswered, f"uploads were cut off: {sorted(unanswered)[:5]}")
        tally.require(
            promises.completed == promises.begun,
            f"{promises.begun - promises.completed} downloads were cut off",
        )
        check_downloads(server, tally, promises, popular.name)
        tally.keep("uploads", len(check_files(server, tally, promises)) - 1)
        check_notes(server, tally, promises, tokens)
        server.stop()
        check_log(server, tally)
        check_with_fsck(server, tally)


class Keeping:
    """Clients that keep their connections, and ask on each as soon as they were answered."""

    def __init__(self, server: Server, tally: Tally, number: int) -> None:
        self._server = server
        self._tally = tally
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(number)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        with httpx.Client(base_url=self._server.url, timeout=PATIENCE) as client:
            while not self._ended.is_set():
                self._tally.count("requests on kept connections")
                try:
                    answer = client.get("/simple/popular/")
                except httpx.HTTPError as error:
                    self._tally.fault(f"a kept connection was cut off: {error!r}")
                    continue
                if answer.status_code == 200:
                    self._tally.keep("requests on kept connections")
                else:
                    self._tally.fault(f"a kept connection got {answer.status_code}")


def end_when_asked(arena: Arena, tally: Tally) -> None:
    """Ask the server to end (`SIGTERM`) amid downloads, uploads, and clients that stand still."""
    for attempt in range(arena.options.ends):
        arena.say(f"end {attempt + 1} of {arena.options.ends}")
        folder = arena.folder / f"server-{attempt}"
        with serving(folder, workers=2, afresh=arena.options.afresh) as server:
            _end(arena, tally, server)


def _end(arena: Arena, tally: Tally, server: Server) -> None:
    tokens, promises = Tokens.make(server), Promises()
    path = upload_large(arena, server, tokens, promises)
    files = [
        wheel(arena.folder / "dist", f"flight-{number}", "1.0", files={"noise": os.urandom(2**20)})
        for number in range(2)
    ]
    for file in files:
        promises.send(file.name, sha256(file))
    flights = [
        *(Flight("downloads", lambda begun: _download(server, path, begun)) for _ in range(2)),
        *(Flight("uploads", _uploading(server, tokens, promises, file)) for file in files),
    ]
    with slow_connections(server, tokens.upload, path, SLOW):
        for flight in flights:
            flight.start()
        tally.count("ends")
        begun_at = time.monotonic()
        code = server.stop()
        seconds = time.monotonic() - begun_at
    tally.require(code == 0, f"the server ended with {code}")
    tally.require(seconds < END, f"it took {seconds:.1f} s to end")
    for flight in flights:
        tally.count(f"{flight.kind} in flight")
        if flight.is_through():
            tally.keep(f"{flight.kind} in flight")
        else:
            tally.fault(f"one of the {flight.kind} in flight was cut off")
    server.start()
    missing = set(promises.acknowledged) - check_files(server, tally, promises)
    tally.require(not missing, f"acknowledged and not there: {sorted(missing)}")
    server.stop()
    check_log(server, tally)
    check_with_fsck(server, tally)


class Flight(threading.Thread):
    """Something that takes some seconds; it is under way once `start` returns."""

    def __init__(self, kind: str, go: Callable[[threading.Event], bool]) -> None:
        super().__init__()
        self.kind = kind
        self._go = go
        self._begun = threading.Event()
        self._is_through = False

    def start(self) -> None:
        super().start()
        self._begun.wait(PATIENCE)

    def run(self) -> None:
        with suppress(httpx.HTTPError):
            self._is_through = self._go(self._begun)

    def is_through(self) -> bool:
        """Whether it came to its end; waits for that."""
        self.join()
        return self._is_through


def _download(server: Server, path: str, begun: threading.Event) -> bool:
    size = 0
    with httpx.stream("GET", server.url + path, timeout=PATIENCE) as answer:
        for block in answer.iter_raw(1024 * 1024):
            size += len(block)
            begun.set()
            time.sleep(BEAT)
        return size == int(answer.headers["Content-Length"])


def _uploading(
    server: Server, tokens: Tokens, promises: Promises, file: Path
) -> Callable[[threading.Event], bool]:
    def go(begun: threading.Event) -> bool:
        request = server.upload_request(tokens.upload, file)
        whole = request.read()

        def pieces() -> Iterator[bytes]:
            step = len(whole) // PIECES + 1
            for start in range(0, len(whole), step):
                yield whole[start : start + step]
                begun.set()
                time.sleep(BEAT)

        answer = httpx.post(
            request.url, content=pieces(), headers=dict(request.headers), timeout=PATIENCE
        )
        if answer.status_code == 200:
            promises.acknowledge(file.name)
        return answer.status_code == 200

    return go
