"""Bodies of uploads as no tool sends them, over plain sockets to a live server."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.helpers.accounts import basic
from tests.helpers.clients import Credentials
from tests.helpers.distributions import build_wheel
from tests.helpers.forms import FORM_TYPE, upload_body
from tests.helpers.server import PATIENCE, Server

NEXT_REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

#: More than a server holds in its buffers, and less than it discards in any case.
MANY = 4 * 1024**2


@pytest.fixture
def body(tmp_path: Path) -> bytes:
    return upload_body(build_wheel(tmp_path, "demo", "1.0"))


def head(who: Credentials, *headers: str) -> bytes:
    lines = [
        "POST /legacy/ HTTP/1.1",
        "Host: localhost",
        f"Authorization: {basic(who.username, who.password)}",
        f"Content-Type: {FORM_TYPE}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def chunked(body: bytes, size: int = 100) -> bytes:
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


def exchange(server: Server, sent: bytes) -> bytes:
    """Send these bytes and nothing more; return all that comes back."""
    received = bytearray()
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        # The server may have answered and closed while there was more to send.
        with contextlib.suppress(ConnectionError):
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while block := connection.recv(65536):
                received += block
    return bytes(received)


def statuses(answers: bytes) -> list[int]:
    return [
        int(line.split()[1]) for line in answers.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")
    ]


def reason_of(answers: bytes) -> bytes:
    """What the status line says."""
    return answers.partition(b"\r\n")[0].split(b" ", 2)[2]


def text_of(answers: bytes) -> bytes:
    """What the body says."""
    return answers.partition(b"\r\n\r\n")[2].rstrip(b"\n")


@pytest.fixture(autouse=True)
def _nothing_is_left(server: Server) -> Iterator[None]:
    yield
    staging = server.data / "files" / ".staging"
    assert not staging.exists() or not list(staging.iterdir())


def test_a_body_that_is_shorter_than_announced_stores_nothing(
    server: Server, ada: Credentials, body: bytes
) -> None:
    # Even when it is a whole form by itself.
    for length in (len(body) + 1, len(body) + 1000):
        answers = exchange(server, head(ada, f"Content-Length: {length}") + body)
        assert statuses(answers) == [400]
        assert b"damaged or ends too early" in answers
    for end in (0, 1, len(body) // 2, len(body) - 1):
        answers = exchange(server, head(ada, f"Content-Length: {len(body)}") + body[:end])
        assert statuses(answers) == [400]
    assert server.page("demo") is None


def test_a_body_in_chunks_that_is_cut_off_stores_nothing(
    server: Server, ada: Credentials, body: bytes
) -> None:
    whole = chunked(body)
    last_chunk = whole.index(b"0\r\n\r\n", len(whole) - 5)
    for end in (1, 50, len(whole) // 2, last_chunk, last_chunk + 1, last_chunk + 3, last_chunk + 4):
        answers = exchange(server, head(ada, "Transfer-Encoding: chunked") + whole[:end])
        assert statuses(answers) == [400], end
    assert server.page("demo") is None


def test_a_form_without_its_closing_boundary_is_incomplete_in_any_framing(
    server: Server, ada: Credentials, body: bytes
) -> None:
    last = body.rindex(b"\r\n--")
    cuts = sorted({0, 1, last - 1, last, last + 2, len(body) - 4, len(body) - 3, len(body) // 3})
    for end in cuts:
        part = body[:end]
        for sent in (
            head(ada, f"Content-Length: {end}") + part,
            head(ada, "Transfer-Encoding: chunked") + chunked(part),
        ):
            answers = exchange(server, sent)
            assert statuses(answers) == [400], end
            assert reason_of(answers) == text_of(answers)
    assert server.page("demo") is None


def test_a_length_that_cuts_the_body_stores_nothing_and_answers_no_second_request(
    server: Server, ada: Credentials, body: bytes
) -> None:
    for end in (1, len(body) // 2, len(body) - 4):
        sent = head(ada, f"Content-Length: {end}") + body + NEXT_REQUEST
        # What follows is no request line: it ends the connection.
        assert statuses(exchange(server, sent)) in ([400], [400, 400])
    assert server.page("demo") is None


@pytest.mark.parametrize(
    "framing",
    [
        ("Content-Length: {length}", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: {length}"),
        ("Transfer-Encoding: chunked", "Content-Length: 5"),
        ("Content-Length: {length}", "Content-Length: 5"),
        ("Content-Length: 5, {length}",),
        ("Content-Length: -{length}",),
        ("Content-Length: +{length}",),
        ("Content-Length: 0x10",),
        ("Content-Length: ",),
        ("Transfer-Encoding: gzip",),
        ("Transfer-Encoding: chunked, identity",),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: xchunked",),
    ],
)
def test_a_message_that_can_be_framed_in_two_ways_ends_the_connection(
    server: Server, ada: Credentials, body: bytes, framing: tuple[str, ...]
) -> None:
    headers = [line.format(length=len(body)) for line in framing]
    in_chunks = "Transfer" in framing[0]
    sent = head(ada, *headers) + (chunked(body) if in_chunks else body) + NEXT_REQUEST
    (status,) = statuses(exchange(server, sent))
    assert status in {400, 411, 501}
    assert server.page("demo") is None


@pytest.mark.parametrize("framing", ["Content-Length", "Transfer-Encoding"])
def test_a_body_that_ends_anywhere_stores_nothing_and_can_be_sent_again(
    server: Server, ada: Credentials, tmp_path: Path, framing: str
) -> None:
    name = f"again-{framing.lower()}"
    body = upload_body(build_wheel(tmp_path, name, "1.0"), name=name)
    in_chunks = framing == "Transfer-Encoding"
    whole = chunked(body) if in_chunks else body
    header = "Transfer-Encoding: chunked" if in_chunks else f"Content-Length: {len(body)}"

    @settings(deadline=None, derandomize=True, max_examples=40)
    @given(st.integers(0, len(whole) - 1))
    def cut(end: int) -> None:
        answers = exchange(server, head(ada, header) + whole[:end])
        assert statuses(answers) == [400], end
        assert reason_of(answers) == text_of(answers)
        assert server.page(name) is None

    cut()
    assert statuses(exchange(server, head(ada, header) + whole)) == [200]
    assert server.page(name) is not None


@pytest.mark.parametrize("size", [b"zz", b"-1", b"+5", b"0x5", b" 5", b"", b"5 5"])
def test_after_a_faulty_chunk_nothing_is_read_from_the_connection(
    server: Server, ada: Credentials, body: bytes, size: bytes
) -> None:
    faulty = chunked(body[:200])[: -len(b"0\r\n\r\n")] + size + b"\r\nab\r\n" + NEXT_REQUEST
    answers = exchange(server, head(ada, "Transfer-Encoding: chunked") + faulty + NEXT_REQUEST)
    assert statuses(answers) == [400]


def test_a_request_inside_of_a_refused_body_is_not_answered(server: Server) -> None:
    nobody = Credentials("wrong")
    inner = NEXT_REQUEST * 3
    sent = head(nobody, f"Content-Length: {len(inner)}") + inner
    assert statuses(exchange(server, sent)) == [403]
    sent = head(nobody, "Transfer-Encoding: chunked") + chunked(inner)
    assert statuses(exchange(server, sent)) == [403]


@pytest.mark.parametrize("in_chunks", [False, True])
def test_a_large_refused_body_is_read_and_the_connection_goes_on(
    server: Server, in_chunks: bool
) -> None:
    blocks = [b"a" * 65536] * (MANY // 65536)
    refused = post(server, Credentials("wrong"), iter(blocks) if in_chunks else b"".join(blocks))
    with refused as connection:
        assert connection.getresponse().read().startswith(b"The username and password")
        assert_goes_on(connection)


def test_a_refused_body_that_stands_still_ends_the_connection(server: Server) -> None:
    # The sender waits for the answer and for the end, and sends no more.
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(head(Credentials("wrong"), "Content-Length: 1000") + b"a")
        answers = bytearray()
        while block := connection.recv(65536):
            answers += block
    assert statuses(bytes(answers)) == [403]


def test_a_file_in_chunks_is_published(server: Server, ada: Credentials, tmp_path: Path) -> None:
    body = upload_body(build_wheel(tmp_path, "in-chunks", "1.0"))
    with post(server, ada, (body[at : at + 7] for at in range(0, len(body), 7))) as connection:
        assert connection.getresponse().read().startswith(b"OK: in_chunks-1.0-py3-none-any.whl")
        assert_goes_on(connection)
    assert server.page("in-chunks") is not None


@contextlib.contextmanager
def post(
    server: Server, who: Credentials, body: bytes | Iterator[bytes]
) -> Iterator[HTTPConnection]:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    headers = {
        "Authorization": basic(who.username, who.password),
        "Content-Type": FORM_TYPE,
    }
    with contextlib.closing(connection):
        connection.request(
            "POST", "/legacy/", body, headers, encode_chunked=not isinstance(body, bytes)
        )
        yield connection


def assert_goes_on(connection: HTTPConnection) -> None:
    connection.auto_open = 0
    connection.request("GET", "/healthz")
    assert connection.getresponse().read() == b"OK\n"
