"""Asking upstreams over HTTP, in bounded time, whatever they answer.

An upstream's credentials go to its own origin alone, and what it links to or redirects to leads
neither from TLS to plain HTTP nor into the network that this server stands in, unless the upstream
stands there itself.
"""

from __future__ import annotations

import contextlib
import os
import random
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar, cast
from urllib.parse import urljoin, urlsplit

import urllib3
from flask import Flask, current_app
from urllib3 import BaseHTTPResponse, exceptions

from packslip.mirror.connections import ForbiddenPeerError, leads_inside, make_pools, watched
from packslip.mirror.errors import UpstreamAnswerError, UpstreamFailedError, UpstreamSlowError
from packslip.mirror.upstreams import Upstream
from packslip.web.tracing import span

#: Statuses that say something about what was asked for.
TELLING = frozenset({200, 206, 304, 404, 410})

#: Statuses of a server that may answer a moment later.
_PASSING = frozenset({502, 503, 504})

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_ATTEMPTS = 3

#: Seconds that are waited at most because an upstream asks for it.
_LONGEST_WAIT = 5.0

_BLOCK = 64 * 1024

#: What is said of the network's errors, and after how many seconds it is tried again.
_PROBLEMS: tuple[tuple[type[Exception], str, float | None], ...] = (
    (exceptions.NewConnectionError, "it cannot be reached", 0.0),
    (exceptions.SSLError, "its certificate is not trusted, or it speaks no TLS", None),
    (exceptions.ProxyError, "the proxy on the way to it cannot be reached", None),
    (exceptions.ProtocolError, "its answer was cut off", 0.0),
)

_EXTENSION = "packslip_upstream_client"

_T = TypeVar("_T")


@dataclass(frozen=True)
class Answer:
    """A whole answer."""

    #: One of `TELLING`.
    status: int
    headers: Mapping[str, str]
    #: Where it came from at last.
    address: str
    body: bytes


class Incoming:
    """An answer whose body comes while it is read."""

    def __init__(self, upstream: Upstream, address: str, response: BaseHTTPResponse) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers
        self.address = address
        self._upstream = upstream
        self._response = response

    @property
    def length(self) -> int | None:
        """Bytes of the body, where upstream says so."""
        length = self.headers.get("Content-Length", "")
        return int(length) if length.isascii() and length.isdigit() else None

    def chunks(self) -> Iterator[bytes]:
        """The body, piece by piece.

        Raises:
            UpstreamFailedError: it ends early.
            UpstreamSlowError: nothing came for as long as the upstream is given.
        """
        with _translated(self._upstream, self._upstream.read_timeout):
            while piece := self._response.read1(_BLOCK, decode_content=False):
                yield piece


class UpstreamClient:
    """Asks upstreams. Threads may share it; processes may not."""

    def __init__(self, user_agent: str = "packslip") -> None:
        self._user_agent = user_agent
        self._proxies = urllib.request.getproxies()
        self._pools: dict[tuple[bool, str | None], urllib3.PoolManager] = {}

    def get(
        self,
        upstream: Upstream,
        address: str,
        *,
        headers: Mapping[str, str] | None = None,
        limit: int,
        seconds: float = 12,
    ) -> Answer:
        """Get all of an answer of at most `limit` bytes, in at most that many seconds.

        What may be only a moment's failure is tried again in that time.

        Raises:
            UpstreamFailedError: there was no answer, or none that tells anything.
            UpstreamSlowError: it did not come in time.
        """
        deadline = time.monotonic() + seconds
        headers = {"Accept-Encoding": "gzip, deflate", **(headers or {})}

        def attempt() -> Answer:
            with (
                _translated(upstream, seconds, deadline),
                watched(deadline) as watch,
                self._answer(upstream, address, headers, watch.left) as (found, response),
            ):
                body = _read(upstream, response, limit)
                if watch.fired:
                    raise UpstreamSlowError(upstream.name, seconds)
                return Answer(response.status, response.headers, found, body)

        return _patiently(attempt, deadline)

    @contextmanager
    def open(
        self,
        upstream: Upstream,
        address: str,
        *,
        headers: Mapping[str, str] | None = None,
        seconds: float = 12,
    ) -> Iterator[Incoming]:
        """Get an answer whose body is read afterwards; its headers come within `seconds`.

        Raises:
            UpstreamFailedError: there was no answer, or none that tells anything.
            UpstreamSlowError: it did not come in time.
        """
        deadline = time.monotonic() + seconds
        headers = {**(headers or {}), "Accept-Encoding": "identity"}

        def attempt() -> tuple[str, BaseHTTPResponse]:
            with _translated(upstream, seconds, deadline), watched(deadline) as watch:
                return self._follow(upstream, address, headers, watch.left)

        found, response = _patiently(attempt, deadline)
        try:
            if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                raise UpstreamAnswerError(upstream.name, "it encodes what must come as it is")
            yield Incoming(upstream, found, response)
        finally:
            _put_back(response)

    def close(self) -> None:
        """Close all connections."""
        for pools in self._pools.values():
            pools.clear()

    @contextmanager
    def _answer(
        self, upstream: Upstream, address: str, headers: Mapping[str, str], seconds: float
    ) -> Iterator[tuple[str, BaseHTTPResponse]]:
        found, response = self._follow(upstream, address, headers, seconds)
        try:
            yield found, response
        finally:
            _put_back(response)

    def _follow(
        self, upstream: Upstream, address: str, headers: Mapping[str, str], seconds: float
    ) -> tuple[str, BaseHTTPResponse]:
        for _ in range(_MOST_REDIRECTS + 1):
            response = self._ask(upstream, address, headers, seconds)
            if response.status not in _REDIRECTS:
                _require_telling(upstream, response)
                return address, response
            location = response.headers.get("Location", "")
            response.release_conn()
            address = _redirected(upstream, address, location)
        raise UpstreamAnswerError(upstream.name, "it redirects without end")

    def _ask(
        self, upstream: Upstream, address: str, headers: Mapping[str, str], seconds: float
    ) -> BaseHTTPResponse:
        is_own = _origin(address) == _origin(upstream.address)
        sent = {"User-Agent": self._user_agent, **headers}
        if is_own and upstream.username is not None:
            credentials = f"{upstream.username}:{upstream.password or ''}"
            # urllib3 would write them as Latin-1, which not all are.
            sent |= urllib3.make_headers(basic_auth=credentials.encode().decode("latin-1"))
        guarded = not is_own and not leads_inside(_host(upstream.address))
        timeout = urllib3.Timeout(
            connect=min(upstream.connect_timeout, seconds), read=min(upstream.read_timeout, seconds)
        )
        with span(f"GET {upstream.name}", "CLIENT", server__address=_host(address)):
            return self._pools_for(address, guarded=guarded).request(
                "GET", address, headers=sent, timeout=timeout, redirect=False, preload_content=False
            )

    def _pools_for(self, address: str, *, guarded: bool) -> urllib3.PoolManager:
        parts = urlsplit(address)
        proxy = self._proxies.get(parts.scheme)
        if proxy is not None and urllib.request.proxy_bypass(parts.netloc.rpartition("@")[2]):
            proxy = None
        key = (guarded, proxy)
        if key not in self._pools:
            self._pools[key] = make_pools(guarded=guarded, proxy=proxy)
        return self._pools[key]


def _patiently(attempt: Callable[[], _T], deadline: float) -> _T:
    for number in range(1, _ATTEMPTS + 1):
        try:
            return attempt()
        except UpstreamFailedError as error:
            wait = error.retry_after
            if wait is None or number == _ATTEMPTS:
                raise
            wait = max(wait, 0.2 * 2 ** (number - 1) * random.uniform(0.5, 1.5))  # noqa: S311
            if wait > _LONGEST_WAIT or time.monotonic() + wait >= deadline:
                raise
            time.sleep(wait)
    raise AssertionError("unreachable")


def _read(upstream: Upstream, response: BaseHTTPResponse, limit: int) -> bytes:
    body = bytearray()
    while piece := response.read1(_BLOCK, decode_content=True):
        body += piece
        if len(body) > limit:
            raise UpstreamAnswerError(upstream.name, f"its answer is larger than {limit} bytes")
    return bytes(body)


def _put_back(response: BaseHTTPResponse) -> None:
    """Let the connection be used again if all was read of it, and close it otherwise."""
    with contextlib.suppress(exceptions.HTTPError, OSError):
        response.close()


def _require_telling(upstream: Upstream, response: BaseHTTPResponse) -> None:
    status = response.status
    if status in TELLING:
        return
    wait = response.headers.get("Retry-After", "")
    response.close()
    if status in _PASSING:
        retry_after = float(wait) if wait.isascii() and wait.isdigit() else 0.0
        raise UpstreamFailedError(upstream.name, f"it answers {status}", retry_after=retry_after)
    problem = {
        401: "it asks for credentials",
        403: "it refuses to answer",
        407: "the proxy asks for credentials",
        429: "it is asked too often",
    }.get(status, f"it answers {status}")
    raise UpstreamAnswerError(upstream.name, problem)


def _redirected(upstream: Upstream, address: str, location: str) -> str:
    try:
        found = urljoin(address, location)
        parts = urlsplit(found)
        is_one = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_one = False
    if not location or not is_one or not found.isprintable() or " " in found:
        raise UpstreamAnswerError(upstream.name, "it redirects to what is no address")
    if urlsplit(address).scheme == "https" and parts.scheme == "http":
        raise UpstreamAnswerError(upstream.name, "it redirects from TLS to plain HTTP")
    return found.partition("#")[0]


@contextmanager
def _translated(
    upstream: Upstream, seconds: float, deadline: float | None = None
) -> Iterator[None]:
    """Tell errors of the network in words of ours."""
    try:
        yield
    except (exceptions.HTTPError, OSError, ValueError) as error:
        raise _error(upstream, error, seconds, deadline) from error


def _error(
    upstream: Upstream, error: Exception, seconds: float, deadline: float | None
) -> UpstreamFailedError | UpstreamSlowError:
    name = upstream.name
    inner = [error, *(one for one in error.args if isinstance(one, Exception))]
    if any(isinstance(one, ForbiddenPeerError) for one in inner):
        return UpstreamAnswerError(name, "it links to an address of an inner network")
    is_refused = isinstance(error, exceptions.NewConnectionError)
    if isinstance(error, exceptions.ConnectTimeoutError) and not is_refused:
        return UpstreamSlowError(name, upstream.connect_timeout)
    is_over = deadline is not None and time.monotonic() >= deadline
    if is_over or (isinstance(error, (exceptions.TimeoutError, TimeoutError)) and not is_refused):
        return UpstreamSlowError(name, min(seconds, upstream.read_timeout))
    if isinstance(error, exceptions.DecodeError):
        return UpstreamAnswerError(name, "its answer cannot be decoded")
    for kind, problem, retry_after in _PROBLEMS:
        if isinstance(error, kind):
            return UpstreamFailedError(name, problem, retry_after=retry_after)
    # Its text may hold addresses with secrets.
    return UpstreamFailedError(name, f"asking it failed ({type(error).__name__})")


def _origin(address: str) -> tuple[str, str, int | None]:
    parts = urlsplit(address)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", port


def _host(address: str) -> str:
    return urlsplit(address).hostname or ""


class _Holder:
    """The client of each process: connections must not be shared with the parent."""

    def __init__(self, user_agent: str) -> None:
        self._user_agent = user_agent
        self._process = 0
        self._client: UpstreamClient | None = None

    def client(self) -> UpstreamClient:
        if self._client is None or self._process != os.getpid():
            self._client, self._process = UpstreamClient(self._user_agent), os.getpid()
        return self._client


def init_app(app: Flask, user_agent: str) -> None:
    """Give the application a client, which is made when it is needed."""
    app.extensions[_EXTENSION] = _Holder(user_agent)


def current_client() -> UpstreamClient:
    """The client of the current application in this process."""
    return cast("_Holder", current_app.extensions[_EXTENSION]).client()
