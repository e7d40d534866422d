"""The server with clients that are slow, and while it begins anew."""

from __future__ import annotations

import base64
import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from tests.helpers.application import wheel
from tests.helpers.server import Server, serving

#: More than the kernel takes of an answer that nobody reads.
LARGE = 24 * 1024 * 1024

SLOW = 500


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server"), workers=2) as server:
        server.create_user("ada")
        yield server


def slow_requests(server: Server, token: str, large: str) -> list[bytes]:
    """The beginnings of requests: half headers, half a body, and one whose answer nobody reads."""
    credentials = base64.b64encode(f"__token__:{token}".encode()).decode()
    upload = (
        f"POST /legacy/ HTTP/1.1\r\nHost: {server.name}\r\nAuthorization: Basic {credentials}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n--b\r\n"
    )
    page = f"GET /simple/ HTTP/1.1\r\nHost: {server.name}\r\n"
    file = f"GET {large} HTTP/1.1\r\nHost: {server.name}\r\n\r\n"
    return [page.encode(), upload.encode(), file.encode()]


def test_slow_clients_stop_nobody(server: Server, tmp_path: Path) -> None:
    token = server.create_token("ada")
    noise = os.urandom(LARGE)
    assert server.upload(token, wheel(tmp_path, "large", "1.0", files={"noise": noise})).is_success
    page = server.page("large")
    assert page is not None
    requests = slow_requests(server, token, urlsplit(page["files"][0]["url"]).path)
    with ExitStack() as stack:
        for number in range(SLOW):
            connection = socket.create_connection((server.name, server.port))
            stack.enter_context(connection)
            connection.sendall(requests[number % len(requests)])
        assert server.upload(token, wheel(tmp_path, "small", "1.0")).is_success
        page = server.page("small")
        assert page is not None
        assert httpx.get(page["files"][0]["url"]).is_success


def test_no_request_is_lost_when_the_workers_begin_anew(server: Server, tmp_path: Path) -> None:
    token = server.create_token("ada")
    assert server.process is not None
    ended = threading.Event()
    answered: list[int] = []
    faults: list[BaseException] = []

    def ask() -> None:
        with httpx.Client() as client, contextlib.ExitStack() as stack:
            stack.callback(ended.set)
            try:
                answered.extend(client.get(server.simple_url).status_code for _ in range(100))
            except httpx.HTTPError as error:
                faults.append(error)

    def upload() -> None:
        for number in range(15):
            file = wheel(tmp_path, "restarted", f"1.{number}")
            answered.append(server.upload(token, file).status_code)

    threads = [threading.Thread(target=task) for task in (ask, ask, ask, upload)]
    for thread in threads:
        thread.start()
    os.kill(server.process.pid, signal.SIGHUP)
    ended.wait(60)
    os.kill(server.process.pid, signal.SIGHUP)
    for thread in threads:
        thread.join()
    assert not faults
    assert answered == [200] * (3 * 100 + 15)
