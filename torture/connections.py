"""Clients that hold connections without using them."""

from __future__ import annotations

import base64
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from urllib.parse import urlsplit

import httpx
from tests.helpers.application import INSTALLED, build_application, sha256, wheel
from tests.helpers.clients import Machine, installed
from tests.helpers.server import Server, serving

from torture.checks import check_files, check_log, check_with_fsck
from torture.clients import PATIENCE, Promises, Tokens
from torture.tally import Arena, Tally

#: More than the kernel takes of an answer that nobody reads.
LARGE = 24 * 1024 * 1024

#: Seconds between two bytes of a slow client.
PAUSE = 2.0

#: Seconds that a page, an upload or a download may take beside slow clients.
WAIT = 5.0


def withstand_slow_clients(arena: Arena, tally: Tally) -> None:
    """Hold hundreds of connections with slow headers, bodies and readers; others go on."""
    with serving(arena.folder / "server", workers=2, afresh=arena.options.afresh) as server:
        tokens, promises = Tokens.make(server), Promises()
        for file in build_application(arena.folder / "app"):
            promises.send(file.name, sha256(file))
            assert server.upload(tokens.upload, file).status_code == 200
            promises.acknowledge(file.name)
        large = upload_large(arena, server, tokens, promises)
        with slow_connections(server, tokens.upload, large, arena.options.slow) as number:
            tally.count("slow connections", number)
            end = time.monotonic() + arena.options.seconds
            turn = 0
            while time.monotonic() < end:
                turn += 1
                _work_beside(arena, server, tally, promises, tokens, turn=turn)
        found = check_files(server, tally, promises)
        tally.require(found == set(promises.acknowledged), "another set of files is listed")
        tally.keep("uploads", turn)
        server.stop()
        check_log(server, tally)
        check_with_fsck(server, tally)


def upload_large(arena: Arena, server: Server, tokens: Tokens, promises: Promises) -> str:
    """The path of a large file."""
    file = wheel(arena.folder, "large", "1.0", files={"noise": os.urandom(LARGE)})
    promises.send(file.name, sha256(file))
    assert server.upload(tokens.upload, file).status_code == 200
    promises.acknowledge(file.name)
    page = server.page("large")
    assert page is not None
    url: str = page["files"][0]["url"]
    return urlsplit(url).path


def _work_beside(
    arena: Arena, server: Server, tally: Tally, promises: Promises, tokens: Tokens, *, turn: int
) -> None:
    file = wheel(arena.folder / "dist", f"beside-{turn}", "1.0")
    promises.send(file.name, sha256(file))
    tally.count("uploads")
    _timed(tally, "an upload", partial(server.upload, tokens.upload, file))
    promises.acknowledge(file.name)
    for path in ("/", "/simple/", f"/simple/beside-{turn}/"):
        tally.count("pages")
        if _timed(tally, path, partial(httpx.get, server.url + path, timeout=PATIENCE)):
            tally.keep("pages")
    machine = Machine(arena.folder / f"machine-{turn}")
    venv = machine.venv()
    tally.count("installations")
    done = machine.uv_pip_install(server, venv, "--no-cache", "slip-app")
    if done.code or installed(venv) != INSTALLED:
        tally.fault(str(done))
    else:
        tally.keep("installations")


def _timed(tally: Tally, what: str, ask: Callable[[], httpx.Response]) -> bool:
    """Whether it was answered well and soon."""
    begun = time.monotonic()
    answer = ask()
    seconds = time.monotonic() - begun
    tally.require(answer.status_code == 200, f"{what} was answered {answer.status_code}")
    tally.require(seconds < WAIT, f"{what} took {seconds:.1f} s")
    return answer.status_code == 200 and seconds < WAIT


@contextmanager
def slow_connections(server: Server, token: str, large: str, number: int) -> Iterator[int]:
    """Hold so many connections, a third of each kind, on which a byte moves now and then."""
    beginnings = _beginnings(server, token, large)
    with ExitStack() as stack:
        connections = []
        for one in range(number):
            connection = socket.create_connection((server.name, server.port))
            stack.enter_context(connection)
            connection.sendall(beginnings[one % len(beginnings)])
            connection.setblocking(False)
            connections.append(connection)
        ended = threading.Event()
        thread = threading.Thread(target=_trickle, args=(connections, ended))
        thread.start()
        try:
            yield number
        finally:
            ended.set()
            thread.join()


def _beginnings(server: Server, token: str, large: str) -> list[bytes]:
    """Half headers, half a body, and a request whose answer nobody reads."""
    credentials = base64.b64encode(f"__token__:{token}".encode()).decode()
    upload = (
        f"POST /legacy/ HTTP/1.1\r\nHost: {server.name}\r\nAuthorization: Basic {credentials}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n--b\r\n"
    )
    page = f"GET /simple/ HTTP/1.1\r\nHost: {server.name}\r\nX-Slow: "
    file = f"GET {large} HTTP/1.1\r\nHost: {server.name}\r\n\r\n"
    return [page.encode(), upload.encode(), file.encode()]


def _trickle(connections: list[socket.socket], ended: threading.Event) -> None:
    while not ended.wait(PAUSE):
        for number, connection in enumerate(connections):
            # The server may have lost its patience with it.
            with suppress(OSError):
                if number % 3 == 2:
                    connection.recv(64)
                else:
                    connection.send(b"a")
