"""Clients that stall are cut off, and no others."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from packslip.serving.stalling import LEAST_MOVED, Watchdog

#: What the kernel holds of what a client does not read is less.
MUCH = b"m" * (16 * 1024 * 1024)


class Request:
    """A request, of whose body there is more to come or not."""

    def __init__(self, owes_body: bool = False) -> None:
        self.body_is_owed = owes_body

    def owes_body(self) -> bool:
        return self.body_is_owed


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A connection: the server's end and the client's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
        with client, server:
            server.settimeout(20)
            client.settimeout(20)
            # Kernels count nothing before that.
            client.sendall(b"G")
            server.recv(1)
            yield server, client


@contextmanager
def watched(connection: socket.socket, request: Request | None) -> Iterator[None]:
    watchdog = Watchdog(header_patience=0.2, patience=0.4, interval=0.05)
    watchdog.start()
    try:
        with watchdog.watching(connection):
            if request is not None:
                watchdog.note_request(connection, request)
            yield
    finally:
        watchdog.stop()


def test_headers_that_drip_are_cut_off(ends: tuple[socket.socket, socket.socket]) -> None:
    server, client = ends
    with watched(server, None):
        for _ in range(200):
            try:
                client.sendall(b"X: 1\r\n")
            except OSError:
                break
            time.sleep(0.02)
        else:
            pytest.fail("the client may drip on")
    assert b"X: 1" in server.recv(100)


def test_a_body_that_drips_is_cut_off(ends: tuple[socket.socket, socket.socket]) -> None:
    server, client = ends

    def drip() -> None:
        for _ in range(200):
            try:
                client.sendall(b"b")
            except OSError:
                return
            time.sleep(0.02)

    with watched(server, Request(owes_body=True)):
        dripping = threading.Thread(target=drip)
        dripping.start()
        received = 0
        while block := server.recv(1024):
            received += len(block)
        dripping.join()
    assert 0 < received < 200


def test_an_answer_that_is_not_read_is_cut_off(ends: tuple[socket.socket, socket.socket]) -> None:
    server, _ = ends
    with watched(server, Request()), pytest.raises((BrokenPipeError, ConnectionResetError)):
        server.sendall(MUCH)


def test_an_answer_that_is_read_slowly_goes_on(ends: tuple[socket.socket, socket.socket]) -> None:
    server, client = ends
    received = 0

    def read() -> None:
        nonlocal received
        while received < len(MUCH):
            received += len(client.recv(1024 * 1024))
            time.sleep(0.05)

    reading = threading.Thread(target=read)
    with watched(server, Request()):
        reading.start()
        server.sendall(MUCH)
        reading.join()
    assert received == len(MUCH)


def test_nobody_is_cut_off_while_the_server_works(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    server, client = ends
    client.sendall(b"b" * LEAST_MOVED)
    with watched(server, Request(owes_body=True)):
        # What came is not read yet; and then there is nothing more to come.
        time.sleep(1)
        assert len(server.recv(LEAST_MOVED, socket.MSG_WAITALL)) == LEAST_MOVED
    with watched(server, Request()):
        time.sleep(1)
        server.sendall(b"done")
    assert client.recv(4) == b"done"
