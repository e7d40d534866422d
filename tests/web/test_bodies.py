from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Request
from werkzeug.test import create_environ

from packslip.web import bodies
from packslip.web.bodies import RequestBody, TruncatedBodyError


class Stream:
    """What a server gives to read from: blocks, and errors of its own."""

    def __init__(self, *blocks: bytes | Exception) -> None:
        self.blocks = iter(blocks)

    def read(self, size: int = -1) -> bytes:
        block = next(self.blocks, b"")
        if isinstance(block, Exception):
            raise block
        return block


def body(*blocks: bytes | Exception, length: int | None = None, **environ: Any) -> RequestBody:
    given = {"wsgi.input": Stream(*blocks), "wsgi.input_terminated": True}
    if length is not None:
        given["CONTENT_LENGTH"] = str(length)
    else:
        given["HTTP_TRANSFER_ENCODING"] = "chunked"
    return RequestBody(Request(create_environ(method="POST") | given | environ))


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_body_is_read_to_its_end() -> None:
    assert list(body(b"ab", b"c", length=3).blocks()) == [b"ab", b"c"]
    assert list(body(b"ab", b"c").blocks()) == [b"ab", b"c"]


def test_a_body_that_is_shorter_than_announced_is_refused() -> None:
    blocks = body(b"ab", length=3).blocks()
    assert next(blocks) == b"ab"
    with pytest.raises(TruncatedBodyError):
        next(blocks)


@pytest.mark.parametrize("error", [OSError("chunk"), ValueError("framing"), TimeoutError()])
def test_whatever_a_server_raises_is_a_truncated_body(error: Exception) -> None:
    with pytest.raises(TruncatedBodyError):
        list(body(b"ab", error).blocks())


def test_a_body_that_was_read_whole_needs_no_discarding() -> None:
    whole = body(b"ab", length=2)
    list(whole.blocks())
    assert whole.discard(0)


def test_a_request_without_a_body_needs_no_discarding() -> None:
    assert body(OSError("must not be read"), length=0).discard(0)


def test_the_rest_of_a_body_is_discarded() -> None:
    unwanted = body(b"ab", b"cd", b"ef", length=6)
    next(unwanted.blocks())
    assert unwanted.discard(4)
    assert list(unwanted.blocks()) == []


def test_a_body_of_which_too_much_is_left_is_not_discarded() -> None:
    assert not body(b"abc", b"d", b"e", length=5).discard(2)


def test_nothing_is_read_after_a_broken_body() -> None:
    # What follows could be taken for another request.
    broken = body(b"ab", OSError("chunk"), b"GET / HTTP/1.1")
    with pytest.raises(TruncatedBodyError):
        list(broken.blocks())
    assert not broken.discard(1000)
    assert not body(b"ab", length=3).discard(1000)


def test_a_body_that_stands_still_is_given_up(
    sockets: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = sockets
    monkeypatch.setattr(bodies, "PATIENCE", 0.01)
    theirs.sendall(b"ab")
    with ours.makefile("rb", buffering=0) as stream:
        slow = body(length=3, **{"wsgi.input": stream, "gunicorn.socket": ours})
        blocks = slow.blocks()
        assert next(blocks) == b"ab"
        with pytest.raises(TruncatedBodyError):
            next(blocks)
    assert ours.gettimeout() is None


def test_an_unwanted_body_that_comes_slowly_is_given_up(
    sockets: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = sockets
    monkeypatch.setattr(bodies, "DRAIN_PATIENCE", 0.01)
    theirs.sendall(b"ab")
    with ours.makefile("rb", buffering=0) as stream:
        slow = body(length=3, **{"wsgi.input": stream, "gunicorn.socket": ours})
        assert not slow.discard(1000)


def test_a_connection_is_broken_off_as_if_the_client_had_gone() -> None:
    with pytest.raises(ConnectionResetError) as caught:
        body().break_off()
    assert caught.value.errno == errno.ECONNRESET
