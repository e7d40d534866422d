"""The server ends: at one blow in the middle of work, or when it is asked to."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from tests.helpers.application import sha256, wheel
from tests.helpers.server import Server, serving

#: How often the server is killed, and after how many uploads and downloads each time.
BLOWS = 3
BEFORE_A_BLOW = 25

#: More than the buffers of both ends of a connection hold.
LARGE = 24 * 1024 * 1024


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "server", workers=2) as server:
        server.create_user("ada")
        yield server


class Work:
    """Clients that upload and download until the server is gone, and count what they finished."""

    def __init__(self, server: Server, token: str, folder: Path, popular: str) -> None:
        self.server = server
        self.token = token
        self.folder = folder
        self.popular = popular
        #: Digests by filename: sent, and acknowledged.
        self.sent: dict[str, str] = {}
        self.acknowledged: dict[str, str] = {}
        self.begun = 0
        self.completed = 0
        self._lock = threading.Lock()
        self._enough = threading.Event()
        self._goal = 0

    def until_a_blow(self, turn: int) -> None:
        """Work for a while; then kill the server."""
        tasks: list[Callable[[], None]] = [
            self._download,
            self._download,
            *(partial(self._upload, f"{turn}-{number}") for number in range(2)),
        ]
        threads = [threading.Thread(target=self._until_refused, args=(task,)) for task in tasks]
        self._enough.clear()
        self._goal = len(self.acknowledged) + self.completed + BEFORE_A_BLOW
        for thread in threads:
            thread.start()
        assert self._enough.wait(60), self.server.log
        self.server.kill()
        for thread in threads:
            thread.join()

    def _until_refused(self, task: Callable[[], None]) -> None:
        try:
            while True:
                task()
        except httpx.TransportError:
            return

    def _upload(self, series: str) -> None:
        with self._lock:
            number = len(self.sent)
            name = f"cut-{series}"
            file = wheel(self.folder, name, f"1.{number}")
            self.sent[file.name] = sha256(file)
        answer = self.server.upload(self.token, file)
        assert answer.status_code == 200, answer.text
        with self._lock:
            self.acknowledged[file.name] = self.sent[file.name]
        self._count()

    def _download(self) -> None:
        with self._lock:
            self.begun += 1
        answer = httpx.get(self.popular, timeout=30)
        assert answer.status_code == 200
        with self._lock:
            self.completed += 1
        self._count()

    def _count(self) -> None:
        if len(self.acknowledged) + self.completed >= self._goal:
            self._enough.set()


def listed(server: Server, prefix: str) -> dict[str, str]:
    """Digests of the files of all packages whose name begins so, and where they are."""
    found = {}
    for name in server.names():
        page = server.page(name) if name.startswith(prefix) else None
        for file in page["files"] if page else []:
            content = httpx.get(file["url"]).content
            assert hashlib.sha256(content).hexdigest() == file["hashes"]["sha256"]
            found[file["filename"]] = file["hashes"]["sha256"]
    return found


def test_what_was_acknowledged_survives_every_blow(server: Server, tmp_path: Path) -> None:
    token = server.create_token("ada")
    assert server.upload(token, wheel(tmp_path, "popular", "1.0")).status_code == 200
    page = server.page("popular")
    assert page is not None
    work = Work(server, token, tmp_path / "dist", page["files"][0]["url"])
    for turn in range(BLOWS):
        work.until_a_blow(turn)
        server.start()
    found = listed(server, "cut-")
    assert work.acknowledged.items() <= found.items() <= work.sent.items()
    assert len(work.acknowledged) >= BLOWS
    # What was cut off can be sent again.
    for name in work.sent.keys() - found.keys():
        assert server.upload(token, work.folder / name).status_code == 200
    recorded = server.downloads()["popular-1.0-py3-none-any.whl by python-httpx"]
    assert work.completed <= recorded <= work.begun
    assert "database is locked" not in server.log
    assert not list((server.folder / "data" / "downloads").glob("*.new"))


def test_a_download_in_flight_is_finished_when_the_server_is_asked_to_end(
    server: Server, tmp_path: Path
) -> None:
    token = server.create_token("ada")
    noise = hashlib.shake_256(b"noise").digest(LARGE)
    file = wheel(tmp_path, "large", "1.0", files={"large.bin": noise})
    assert server.upload(token, file).status_code == 200
    page = server.page("large")
    assert page is not None
    path = urlsplit(page["files"][0]["url"]).path
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.settimeout(30)
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        received = connection.recv(64 * 1024)
        assert server.process is not None
        server.process.terminate()
        wait_until_it_answers_nobody_else(server)
        while block := connection.recv(1024 * 1024):
            received += block
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert hashlib.sha256(body).hexdigest() == sha256(file)
    assert server.process.wait(30) == 0
    assert server.downloads() == {"large-1.0-py3-none-any.whl by ?": 1}


def wait_until_it_answers_nobody_else(server: Server) -> None:
    for _ in range(100):
        try:
            httpx.get(f"{server.url}/healthz", timeout=1)
        except httpx.TransportError:
            return
    raise AssertionError(f"the server still answers:\n{server.log}")
