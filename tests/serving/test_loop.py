"""The loop before the threads: it reads headers, and answers what can be answered at once."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.helpers.quick_app import LARGE
from tests.helpers.server import free_port

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    port = free_port()
    options = ["--bind", f"127.0.0.1:{port}", "--threads", "4", "--worker-connections", "50"]
    options += ["--http-parser", "fast", "--log-level", "critical", "--keep-alive", "15"]
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", *options),
            *("-k", "packslip.serving.worker.PatientWorker", "tests.helpers.quick_app:app"),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
    )
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.05)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


@pytest.fixture
def client(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.settimeout(15)
        yield client


def request(path: str, method: str = "GET", body: bytes = b"") -> bytes:
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{length}\r\n".encode() + body


def answer(client: socket.socket) -> bytes:
    """The body of the next answer."""
    received = b""
    while b"\r\n\r\n" not in received:
        block = client.recv(1)
        assert block, received
        received += block
    length = int(received.lower().partition(b"content-length: ")[2].split()[0])
    body = bytearray()
    while len(body) < length:
        block = client.recv(min(length - len(body), 1024 * 1024))
        assert block
        body += block
    return bytes(body)


def test_answers_at_once_and_by_threads_take_turns_on_a_connection(client: socket.socket) -> None:
    for _ in range(3):
        client.sendall(request("/quick"))
        assert answer(client) == b"quick"
        client.sendall(request("/slow", "POST", b"body"))
        assert answer(client) == b"/slow body"


def test_what_fails_at_once_is_tried_by_a_thread(client: socket.socket) -> None:
    client.sendall(request("/broken"))
    assert answer(client) == b"/broken "


def give(port: int) -> None:
    """Have answers given that are waited for."""
    with socket.create_connection(("127.0.0.1", port)) as other:
        other.settimeout(5)
        other.sendall(request("/quick"))
        assert answer(other) == b"quick"


def test_an_answer_may_be_waited_for(port: int, client: socket.socket) -> None:
    for path, expected in (("/later", b"later"), ("/given-up", b"/given-up ")):
        client.sendall(request(path))
        time.sleep(0.05)
        give(port)
        assert answer(client) == expected
    client.sendall(request("/quick"))
    assert answer(client) == b"quick"


def test_a_client_may_send_more_while_its_answer_is_waited_for(
    port: int, client: socket.socket
) -> None:
    client.sendall(request("/later"))
    time.sleep(0.05)
    client.sendall(request("/slow"))
    assert [answer(client), answer(client)] == [b"/later ", b"/slow "]
    give(port)
    client.sendall(request("/quick"))
    assert answer(client) == b"quick"


def test_a_client_may_go_while_its_answer_is_waited_for(port: int, client: socket.socket) -> None:
    with socket.create_connection(("127.0.0.1", port)) as other:
        other.sendall(request("/later"))
        time.sleep(0.05)
    time.sleep(0.05)
    give(port)
    client.sendall(request("/quick"))
    assert answer(client) == b"quick"


def test_headers_may_come_in_pieces(client: socket.socket) -> None:
    for path, expected in (("/quick", b"quick"), ("/slow", b"/slow ")):
        for byte in request(path):
            client.sendall(bytes([byte]))
            time.sleep(0.002)
        assert answer(client) == expected


def test_a_body_may_come_after_its_headers(client: socket.socket) -> None:
    whole = request("/slow", "POST", b"body")
    client.sendall(whole[:-2])
    time.sleep(0.1)
    client.sendall(whole[-2:])
    assert answer(client) == b"/slow body"


def test_requests_that_come_together_are_all_answered(client: socket.socket) -> None:
    client.sendall(b"".join(map(request, ["/one", "/two", "/three", "/quick"])))
    answers = [answer(client) for _ in range(4)]
    assert answers == [b"/one ", b"/two ", b"/three ", b"quick"]


def test_what_is_no_request_is_refused_at_once(port: int) -> None:
    for junk in (b"\x16\x03\x01\x02", b"GET / HTTP/1.1\nHost", b" GET / HTTP/1.1\r\n"):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.settimeout(5)
            client.sendall(junk)
            client.shutdown(socket.SHUT_WR)
            received = client.recv(4096)
            assert not received.startswith(b"HTTP/1.1 2")


def test_headers_without_an_end_are_refused(client: socket.socket) -> None:
    client.sendall(b"GET / HTTP/1.1\r\n")
    with pytest.raises(OSError, match=r"reset|pipe"):
        for _ in range(100_000):
            client.sendall(b"X-Header: " + b"a" * 4000 + b"\r\n")


def test_an_answer_that_is_read_slowly_keeps_nobody_waiting(
    port: int, client: socket.socket
) -> None:
    client.sendall(request("/large"))
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", port)) as other:
            other.settimeout(5)
            other.sendall(request("/quick"))
            assert answer(other) == b"quick"
    assert len(answer(client)) == LARGE
    client.sendall(request("/quick"))
    assert answer(client) == b"quick"


def test_clients_that_never_end_their_connection_keep_nobody_waiting(port: int) -> None:
    closing = request("/slow").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
    for client in clients:
        client.sendall(closing)
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port)) as other:
        other.settimeout(5)
        other.sendall(request("/quick"))
        assert answer(other) == b"quick"
    assert time.monotonic() - began < 1.5
    for client in clients:
        client.close()
