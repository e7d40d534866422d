from __future__ import annotations

from itertools import pairwise

import pytest
from bench.http1 import AnswerReader, Request
from hypothesis import given
from hypothesis import strategies as st

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"7;note=x\r\n0\r\n\r\nab\r\n10\r\n0123456789abcdef\r\n0\r\nTrailer: x\r\n\r\n"
)
NOT_MODIFIED = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 900\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@given(
    st.sampled_from(
        [(PLAIN, 200, 5), (CHUNKED, 200, 23), (NOT_MODIFIED, 304, 0), (INTERIM, 200, 5),
         (EMPTY, 200, 0)]
    ),
    st.lists(st.integers(0, 120)),
)  # fmt: skip
def test_an_answer_is_complete_at_its_last_byte_however_it_is_cut(
    answer: tuple[bytes, int, int], cuts: list[int]
) -> None:
    raw, status, size = answer
    last = len(raw) - 1
    edges = [0, *sorted(min(cut, last) for cut in cuts), last]
    reader = AnswerReader()
    for begin, end in pairwise(edges):
        reader.feed(raw[begin:end])
    done_before = reader.done
    reader.feed(raw[last:])

    assert (done_before, reader.done) == (False, True)
    assert (reader.status, reader.size) == (status, size)
    assert reader.keeps_connection


def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    reader = AnswerReader()
    reader.feed(b"HTTP/1.1 200 OK\r\n\r\nsome")
    done_before = reader.done
    reader.end()

    assert (done_before, reader.done) == (False, True)
    assert reader.size == 4
    assert not reader.keeps_connection


@pytest.mark.parametrize("raw", [b"", PLAIN[:-1], CHUNKED[:-1], b"HTTP/1.1 200 OK\r\n"])
def test_an_answer_that_is_cut_short_is_not_complete(raw: bytes) -> None:
    reader = AnswerReader()
    if raw:
        reader.feed(raw)
    reader.end()

    assert not reader.done


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\nConnection: Close\r\n", b"HTTP/1.0 200 OK\r\n"]
)
def test_a_connection_that_the_server_closes_is_not_kept(head: bytes) -> None:
    reader = AnswerReader()
    reader.feed(head + b"Content-Length: 0\r\n\r\n")

    assert reader.done
    assert not reader.keeps_connection


def test_a_request_has_its_path_query_host_and_length() -> None:
    request = Request("http://127.0.0.1:80/a/b?c=d", {"Accept": "text/html"}, "POST", b"body")

    head, _, body = request.encode().partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    assert first == "POST /a/b?c=d HTTP/1.1"
    assert {"Host: 127.0.0.1:80", "Accept: text/html", "Content-Length: 4"} < set(lines)
    assert body == b"body"
