"""Files under the real server."""

from __future__ import annotations

import http.client
import signal
import socket
import struct
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from hashlib import sha256, shake_128
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.helpers.app import make_app
from tests.helpers.databases import SQLiteDatabases
from tests.helpers.server import Server, serving
from tests.helpers.stored import add_stored_file, path_of

from packslip.db import db
from packslip.downloads.drain import drain
from packslip.downloads.models import Download
from packslip.web.context import current_settings

SMALL = b"0123456789"
LARGE = shake_128(b"seed").digest(50 * 1024 * 1024)


class Index:
    """A data folder with a small and a large file."""

    def __init__(self, folder: Path, databases: SQLiteDatabases) -> None:
        self.folder = folder
        self.app = make_app(folder, databases.create(folder))
        with self.in_app():
            self.small = path_of(add_stored_file(db.session(), SMALL, "demo-1.0.tar.gz"))
            self.large = path_of(add_stored_file(db.session(), LARGE))

    @contextmanager
    def in_app(self) -> Iterator[None]:
        with self.app.app_context():
            yield
            db.session.remove()
            db.engine.dispose()

    def downloads(self) -> list[str]:
        with self.in_app():
            drain(db.session(), current_settings().downloads_folder)
            return [f"/{name}" for name in db.session().scalars(select(Download.file))]


@pytest.fixture
def index(tmp_path: Path, sqlite_databases: SQLiteDatabases) -> Index:
    return Index(tmp_path, sqlite_databases)


def served(index: Index, workers: int = 1) -> AbstractContextManager[Server]:
    return serving(index.folder, data=index.folder, workers=workers)


@contextmanager
def connected(server: Server) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        yield connection
    finally:
        connection.close()


def get(
    connection: http.client.HTTPConnection, path: str, **headers: str
) -> tuple[int, bytes, http.client.HTTPMessage]:
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    return response.status, response.read(), response.headers


def request_only(server: Server, path: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return connection


def abort(connection: socket.socket) -> None:
    # Without lingering, closing sends a reset.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def names(*paths: str) -> list[str]:
    return [f"/{path.rpartition('/')[2]}" for path in paths]


def test_files_come_whole_over_one_connection_and_are_counted(index: Index) -> None:
    with served(index) as server:
        with connected(server) as connection:
            check_connection(index, connection)
        server.stop()
    assert sorted(index.downloads()) == sorted(names(index.large, index.small, index.large))


def check_connection(index: Index, connection: http.client.HTTPConnection) -> None:
    connection.connect()
    first_socket = connection.sock
    for path, data in ((index.large, LARGE), (index.small, SMALL), (index.large, LARGE)):
        status, body, headers = get(connection, path)
        assert status == 200
        assert headers["Content-Length"] == str(len(data))
        assert headers["Connection"] == "keep-alive"
        assert sha256(body).digest() == sha256(data).digest()
    status, body, headers = get(connection, index.large, Range="bytes=1000000-40000000")
    assert (status, body == LARGE[1000000:40000001]) == (206, True)
    connection.request("HEAD", index.large)
    assert connection.getresponse().read() == b""
    status, body, headers = get(connection, index.small, Range="bytes=2-3")
    assert (status, body) == (206, b"23")
    assert connection.sock is first_socket


def test_a_client_that_breaks_off_is_not_counted_and_harms_nobody(index: Index) -> None:
    with served(index) as server:
        for size in (0, 1, 100_000, 5_000_000):
            broken = request_only(server, index.large)
            received = 0
            while received < size:
                received += len(broken.recv(65536))
            abort(broken)
        with connected(server) as connection:
            assert get(connection, index.small)[1] == SMALL
        server.stop()
    assert index.downloads() == names(index.small)
    assert "Traceback" not in server.log


def test_a_completed_download_survives_the_death_of_every_process(index: Index) -> None:
    with served(index, workers=2) as server, connected(server) as connection:
        for _ in range(20):
            assert get(connection, index.small)[0] == 200
        unfinished = request_only(server, index.large)
        unfinished.recv(65536)
        server.kill()
        unfinished.close()
    assert index.downloads() == names(*[index.small] * 20)


def test_a_download_is_a_row_soon_and_spools_of_the_dead_are_taken_in_at_the_start(
    index: Index,
) -> None:
    with (
        served(index) as server,
        connected(server) as connection,
    ):
        get(connection, index.small)
        server.kill()
    with served(index) as server, index.in_app():
        assert len(list(db.session().scalars(select(Download)))) == 1
        with connected(server) as connection:
            get(connection, index.small)
        for _ in range(100):
            db.session().rollback()
            if len(list(db.session().scalars(select(Download)))) == 2:
                break
            signal.sigtimedwait([], 0.05)
        else:
            raise AssertionError("the second download is no row")
