from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from bench.http1 import Request
from bench.load import Load, drive, parse_wrk, percentile
from hypothesis import given
from hypothesis import strategies as st


@contextmanager
def answering(statuses: Sequence[int], *, keep: bool = True) -> Iterator[tuple[str, list[bytes]]]:
    """A server that answers with the statuses in turn and then 200; and the bodies that came."""
    bodies: list[bytes] = []
    queue = iter(statuses)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1" if keep else "HTTP/1.0"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with lock:
                bodies.append(body)
                status = next(queue, 200)
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        do_GET = do_POST  # noqa: N815

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", bodies
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("keep", [True, False])
def test_each_of_several_requests_is_sent_once(keep: bool) -> None:
    with answering([], keep=keep) as (url, bodies):
        sent = [str(n).encode() * 100_000 for n in range(9)]
        result = drive(Load([Request(url, {}, "POST", body) for body in sent], 4, 60))

    assert sorted(bodies) == sorted(sent)
    assert (result.requests, result.failures) == (9, 0)
    assert 0 < result.p50 <= result.p99 <= result.seconds


def test_an_answer_with_another_status_is_a_failure() -> None:
    with answering([200, 500, 404]) as (url, _):
        result = drive(Load([Request(url, {}, "POST", b"x")] * 5, 1, 60))

    assert (result.requests, result.failures) == (3, 2)


def test_one_request_is_repeated_for_the_whole_time() -> None:
    with answering([]) as (url, bodies):
        result = drive(Load([Request(url)], 2, 0.2))

    assert result.requests == len(bodies) > 2
    assert result.seconds >= 0.2


@given(st.lists(st.integers(), min_size=1), st.integers(1, 100))
def test_a_percentile_is_the_smallest_value_that_covers_the_share(
    values: list[int], percent: int
) -> None:
    found = percentile(sorted(values), percent)

    assert sum(value <= found for value in values) * 100 >= percent * len(values)
    assert sum(value < found for value in values) * 100 < percent * len(values)


def test_a_percentile_of_nothing_is_zero() -> None:
    assert percentile([], 50) == 0


WRK = """Running 2s test @ http://127.0.0.1:8080/simple/bench-one/
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     7.32ms    2.11ms  30.07ms   81.14%
    Req/Sec     2.19k   105.10     2.36k    70.00%
  Latency Distribution
     50%  870.00us
     75%    8.01ms
     90%    9.55ms
     99%    1.32s
  4362 requests in 2.00s, 1.53MB read
"""


def test_what_wrk_prints_is_read() -> None:
    result = parse_wrk(WRK)

    assert (result.requests, result.failures, result.seconds) == (4362, 0, 2.0)
    assert (result.p50, result.p99) == pytest.approx((0.00087, 1.32))


def test_what_wrk_counts_as_errors_are_failures() -> None:
    errors = (
        "  Socket errors: connect 0, read 3, write 0, timeout 1\n  Non-2xx or 3xx responses: 62\n"
    )
    result = parse_wrk(WRK + errors)

    assert (result.requests, result.failures) == (4300, 66)


def test_other_text_is_not_taken_for_a_result() -> None:
    with pytest.raises(ValueError, match="not what wrk prints"):
        parse_wrk("unable to connect")
