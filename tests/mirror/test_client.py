"""Asking upstreams that are well, slow, broken or hostile."""

from __future__ import annotations

import base64
import gzip
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.helpers.upstream import ScriptedUpstream, Step, answer, scripted_upstream

from packslip.mirror import client as module
from packslip.mirror.client import UpstreamClient
from packslip.mirror.connections import is_outside
from packslip.mirror.errors import UpstreamAnswerError, UpstreamFailedError, UpstreamSlowError
from packslip.mirror.upstreams import Upstream


@pytest.fixture
def server() -> Iterator[ScriptedUpstream]:
    with scripted_upstream() as server:
        yield server


@pytest.fixture
def other() -> Iterator[ScriptedUpstream]:
    with scripted_upstream() as server:
        yield server


@pytest.fixture
def client() -> Iterator[UpstreamClient]:
    client = UpstreamClient("packslip/test")
    yield client
    client.close()


def upstream(server: ScriptedUpstream) -> Upstream:
    return Upstream(
        "upstream", server.simple_url, username="ada", password="p\u00e4ss", read_timeout=0.5
    )


def get(client: UpstreamClient, server: ScriptedUpstream, path: str = "/x") -> bytes:
    address = f"{server.url}{path}"
    return client.get(upstream(server), address, limit=1000, seconds=2).body


def test_an_answer_comes_whole_and_only_the_upstream_sees_its_credentials(
    client: UpstreamClient, server: ScriptedUpstream, other: ScriptedUpstream
) -> None:
    server.script("/x", answer(status="302 Found", Location="/y"))
    server.script("/y", answer(status="307 Temporary Redirect", Location=f"{other.url}/z"))
    body = gzip.compress(b"hello")
    other.script("/z", answer(body, Content_Encoding="gzip", ETag='"1"'))
    found = client.get(
        upstream(server), f"{server.url}/x", headers={"Accept": "text/html"}, limit=1000
    )
    assert (found.status, found.body, found.address) == (200, b"hello", f"{other.url}/z")
    assert found.headers["etag"] == '"1"'
    expected = base64.b64encode("ada:p\u00e4ss".encode()).decode()
    for request in server.requests:
        assert request.headers["authorization"] == f"Basic {expected}"
        assert request.headers["user-agent"] == "packslip/test"
        assert request.headers["accept"] == "text/html"
    assert "authorization" not in other.requests[0].headers


@pytest.mark.parametrize("status", ["404 Not Found", "410 Gone", "304 Not Modified"])
def test_what_tells_something_is_an_answer(
    client: UpstreamClient, server: ScriptedUpstream, status: str
) -> None:
    server.script("/x", answer(status=status))
    found = client.get(upstream(server), f"{server.url}/x", limit=1000)
    assert str(found.status) == status[:3]


def test_a_moments_failure_is_tried_again(client: UpstreamClient, server: ScriptedUpstream) -> None:
    server.script("/x", answer(status="503 Service Unavailable"))
    server.script("/x", answer(b"whole")[:-2])
    server.script("/x", answer(b"whole"))
    assert get(client, server) == b"whole"
    assert len(server.requests) == 3


DRIP: list[Step] = [step for byte in b"X-Drip: 1\r\n" * 40 for step in (bytes([byte]), 0.05)]


@pytest.mark.parametrize(
    "steps",
    [
        [30.0],
        [b"HTTP/1.1 200 OK\r\n", *DRIP],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", *DRIP],
    ],
    ids=["silent", "dripping headers", "dripping body"],
)
def test_one_that_is_slow_costs_no_more_than_the_time_that_it_is_given(
    client: UpstreamClient, server: ScriptedUpstream, steps: list[Step]
) -> None:
    server.script("/x", *steps)
    began = time.monotonic()
    with pytest.raises(UpstreamSlowError):
        client.get(upstream(server), f"{server.url}/x", limit=1000, seconds=0.8)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (answer(status="500 Internal Server Error"), "answers 500"),
        (answer(status="401 Unauthorized"), "asks for credentials"),
        (answer(status="429 Too Many Requests"), "too often"),
        (answer(b"x" * 1001), "larger than 1000"),
        (answer(gzip.compress(b"0" * 100_000), Content_Encoding="gzip"), "larger than 1000"),
        (answer(b"no gzip", Content_Encoding="gzip"), "cannot be decoded"),
        (answer(status="302 Found", Location="ftp://example.com/"), "no address"),
        (answer(status="302 Found", Location="/x"), "without end"),
        (answer(status="302 Found"), "no address"),
    ],
)
def test_an_answer_of_no_use_says_why_and_counts_as_an_answer(
    client: UpstreamClient, server: ScriptedUpstream, given: bytes, said: str
) -> None:
    server.script("/x", given)
    with pytest.raises(UpstreamAnswerError, match=said):
        get(client, server)


@pytest.mark.parametrize(
    ("given", "said"),
    [(b"SSH-2.0-odd\r\n", "cut off"), (b"", "cut off"), (answer(b"half")[:-2], "cut off")],
)
def test_what_is_no_whole_answer_is_a_failure(
    client: UpstreamClient, server: ScriptedUpstream, given: bytes, said: str
) -> None:
    server.script("/x", given)
    with pytest.raises(UpstreamFailedError, match=said) as failed:
        get(client, server)
    assert not isinstance(failed.value, UpstreamAnswerError)


def test_one_that_is_down_is_a_failure(client: UpstreamClient, server: ScriptedUpstream) -> None:
    closed = replace(server, port=1)
    with pytest.raises(UpstreamFailedError, match="cannot be reached"):
        get(client, closed)


def test_a_redirect_from_tls_to_plain_http_is_refused() -> None:
    with pytest.raises(UpstreamAnswerError, match="plain HTTP"):
        module._redirected(
            Upstream("a", "https://example.com/"), "https://example.com/a", "http://example.com/a"
        )


def test_an_upstream_outside_cannot_point_into_the_inner_network(
    client: UpstreamClient, server: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "leads_inside", lambda host: False)
    outside = Upstream("outside", "https://packages.example.com/simple/")
    server.script("/x", answer(b"secret"))
    with pytest.raises(UpstreamAnswerError, match="inner network"):
        client.get(outside, f"{server.url}/x", limit=1000, seconds=2)
    with (
        pytest.raises(UpstreamAnswerError, match="inner network"),
        client.open(outside, f"{server.url}/x", seconds=2),
    ):
        pass
    assert not server.requests


@pytest.mark.parametrize(
    ("address", "outside"),
    [
        ("1.1.1.1", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("::ffff:10.0.0.1", False),
        ("224.0.0.1", False),
    ],
)
def test_only_public_addresses_are_outside(address: str, outside: bool) -> None:
    assert is_outside(address) is outside


def test_a_body_can_be_read_while_it_comes(
    client: UpstreamClient, server: ScriptedUpstream
) -> None:
    whole = answer(b"0123456789")
    server.script("/x", whole[:-5], 0.2, whole[-5:])
    server.script("/x", whole[:-5])
    server.script("/x", whole[:-5], 30.0)
    server.script("/x", answer(b"", Content_Encoding="gzip"))
    address = f"{server.url}/x"
    with client.open(upstream(server), address, headers={"Range": "bytes=0-"}) as incoming:
        assert (incoming.status, incoming.length) == (200, 10)
        assert b"".join(incoming.chunks()) == b"0123456789"
    assert server.requests[0].headers["accept-encoding"] == "identity"
    assert server.requests[0].headers["range"] == "bytes=0-"
    for kind in (UpstreamFailedError, UpstreamSlowError):
        got = b""
        with client.open(upstream(server), address) as incoming, pytest.raises(kind):
            for piece in incoming.chunks():
                got += piece
        assert got == b"01234"
    with (
        pytest.raises(UpstreamAnswerError, match="encodes"),
        client.open(upstream(server), address),
    ):
        pass


def test_a_connection_is_used_again(client: UpstreamClient, server: ScriptedUpstream) -> None:
    server.script("/x", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 5.0)
    assert get(client, server) == b"hi"
    [pools] = client._pools.values()
    pool = pools.connection_from_url(server.url)
    assert pool.num_connections == 1
    assert pool.pool is not None
    assert any(connection is not None for connection in pool.pool.queue)
