"""Messages that no browser sends, over plain sockets to a live server."""

from __future__ import annotations

import contextlib
import re
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.helpers.server import PATIENCE, Server

SECRET = "hunter2hunter2"

NEXT_REQUEST = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n"

HEADERS = {
    "Content-Security-Policy": "default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}

MANY = settings(
    max_examples=200, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)

#: Ways to say how long a body is that servers have understood differently from each other.
FRAMINGS = (
    "Content-Length: {length}\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nContent-Length: {length}",
    "Content-Length: 0\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding: identity",
    "Transfer-Encoding: identity\r\nContent-Length: {length}",
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: \x0bchunked",
    "Transfer-Encoding: chunked\x0b",
    'Transfer-Encoding: "chunked"',
    "Transfer-Encoding : chunked",
    "Transfer-Encoding\t: chunked",
    " Transfer-Encoding: chunked",
    "Transfer_Encoding: chunked\r\nContent-Length : {length}",
    "Content-Length: {length}\r\nContent-Length: 0",
    "Content-Length: 0\r\nContent-Length: {length}",
    "Content-Length: 0, {length}",
    "Content-Length: +{length}",
    "Content-Length: -1",
    "Content-Length: 0x10",
    "Content-Length: 1_0",
    "Content-Length: {length}\x00",
    "Content-Length: " + "9" * 40,
    "Content-Length : 0",
)


def exchange(server: Server, sent: bytes) -> bytes:
    """Send these bytes and nothing more; return all that comes back until the server closes."""
    received = bytearray()
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while block := connection.recv(65536):
                received += block
    return bytes(received)


def answers(received: bytes) -> list[tuple[int, dict[str, str]]]:
    """The status and the headers of each answer."""
    found = []
    for head in re.findall(rb"HTTP/1\.1 (\d{3}[^\r]*\r\n(?:[^\r]+\r\n)*)\r\n", received):
        first, *lines = head.decode("latin-1").split("\r\n")
        found.append((int(first[:3]), dict(line.split(": ", 1) for line in lines if line)))
    return found


@pytest.mark.parametrize("path", ["/legacy/", "/account/login", "/api/v1/check", "/healthz"])
@pytest.mark.parametrize("framing", FRAMINGS)
def test_behind_a_body_of_doubtful_length_no_request_is_answered(
    server: Server, framing: str, path: str
) -> None:
    inner = b"0\r\n\r\n" + NEXT_REQUEST
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{framing}\r\n\r\n"
    sent = head.format(length=len(inner)).encode("latin-1") + inner + NEXT_REQUEST
    found = answers(exchange(server, sent))
    assert len(found) == 1
    status, headers = found[0]
    assert 400 <= status < 500 or status == 501
    assert {**headers, **{name: headers[name][: len(HEADERS[name])] for name in HEADERS}} == {
        **headers,
        **HEADERS,
    }


#: What cannot be read as a request.
MESSAGES = {
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03": 400,
    b"GET /\r\n\r\n": 400,
    b"GET / HTTP/1.2\r\nHost: a\r\n\r\n": 400,
    b"GET / HTTP/2.0\r\nHost: a\r\n\r\n": 400,
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n": 400,
    b"get / HTTP/1.1\r\nHost: a\r\n\r\n": 400,
    b"GET  HTTP/1.1\r\nHost: a\r\n\r\n": 400,
    b"GET a HTTP/1.1\r\nHost: a\r\n\r\n": 400,
    b"GET / HTTP/1.1\r\n\r\n": 400,
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n": 400,
    b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n": 400,
    b"GET /account/reset/hunter2hunter2\0 HTTP/1.1\r\nHost: a\r\n\r\n": 400,
    b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization : Bearer hunter2hunter2\r\n\r\n": 400,
    b"GET / HTTP/1.1\r\nHost: a\r\nCookie: hunter2hunter2\x01\r\n\r\n": 400,
    b"GET / HTTP/1.1\r\nHost: a\r\nhunter2hunter2\r\n\r\n": 400,
    b"POST / HTTP/1.1\r\nHost: a\r\nExpect: hunter2hunter2\r\nContent-Length: 0\r\n\r\n": 417,
    b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n": 414,
    b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 90_000 + b"\r\n\r\n": 431,
    b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: 1\r\n" * 500 + b"\r\n": 400,
    b"TRACE / HTTP/1.1\r\nHost: a\r\nCookie: hunter2hunter2\r\n\r\n": 405,
    b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n": 404,
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n": 404,
    b"PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n": 405,
}


@pytest.mark.parametrize(("message", "expected"), MESSAGES.items(), ids=range(len(MESSAGES)))
def test_what_is_no_request_is_refused_as_pages_are(
    server: Server, message: bytes, expected: int
) -> None:
    received = exchange(server, message)
    ((status, headers),) = answers(received)
    assert status == expected
    assert headers["Content-Type"].startswith("text/plain")
    assert {name: headers[name][: len(HEADERS[name])] for name in HEADERS} == HEADERS
    assert SECRET.encode() not in received


piece = st.binary(max_size=12) | st.sampled_from(
    [b" ", b"\r\n", b"\n", b"\r", b"\0", b":", b"/", b"GET", b"HTTP/1.1", b"Host: a", b"0\r\n\r\n"]
)


@MANY
@given(st.data())
def test_no_bytes_bring_the_server_down(server: Server, data: st.DataObject) -> None:
    message = bytearray(b"POST /account/login HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na=b")
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(message)))
        stop = data.draw(st.integers(start, min(len(message), start + 9)))
        message[start:stop] = data.draw(piece)
    for status, _ in answers(exchange(server, bytes(message))):
        assert status < 500 or status == 501


def test_the_log_repeats_nothing_of_such_messages(server: Server) -> None:
    assert "No request from 127.0.0.1" in server.log
    assert SECRET not in server.log
    assert "Traceback" not in server.log
