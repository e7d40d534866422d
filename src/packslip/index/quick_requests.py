"""Requests for pages, read from the bytes that came."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address

from packslip.setting_values import Network

#: Headers that change an answer, or what follows it, in ways that are not for here.
_UNUSUAL = frozenset(
    {
        b"authorization",
        b"content-length",
        b"cookie",
        b"expect",
        b"if-match",
        b"if-modified-since",
        b"if-range",
        b"if-unmodified-since",
        b"range",
        b"transfer-encoding",
        b"upgrade",
    }
)

#: What a proxy that is trusted says of a request.
_OF_PROXIES = frozenset({b"x-request-id"})

_LINE = re.compile(rb"GET (/[!-~]*) HTTP/1\.1\r\n")
_HEADER = re.compile(rb"([A-Za-z0-9-]+):[\t ]*((?:[!-~](?:[\t -~]*[!-~])?)?)[\t ]*")
_HOST = re.compile(rb"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_ETAG = re.compile(rb'"[!#-~]*"')

_CONNECTIONS = {b"": True, b"keep-alive": True, b"close": False}

#: Different headers that are remembered, and their bytes; clients send the same ones all the time.
_MOST = 2048
_LONGEST = 2048


@dataclass(frozen=True, slots=True)
class QuickRequest:
    """A plain request for a page, by somebody who says nothing of themselves."""

    path: bytes
    accept: bytes
    encoding: bytes
    #: The one that the client has.
    etag: bytes
    agent: str
    keeps_connection: bool
    #: The client's address, as the proxies that are trusted tell it; empty if they do not.
    client: str


@dataclass(frozen=True, slots=True)
class _Headers:
    accept: bytes
    encoding: bytes
    etag: bytes
    agent: str
    keeps_connection: bool
    client: str


class RequestReader:
    """Reads requests. What is not plain is for a server that knows all of HTTP."""

    def __init__(self, trusted_proxies: int | tuple[Network, ...]) -> None:
        self._unusual = _UNUSUAL | _OF_PROXIES if trusted_proxies else _UNUSUAL
        self._proxies = trusted_proxies if isinstance(trusted_proxies, int) else 0
        self._known: dict[bytes, _Headers | None] = {}

    def __call__(self, received: bytes) -> QuickRequest | None:
        """The request, if the bytes are one, whole, plain, without a body and with none behind."""
        line = _LINE.match(received)
        if line is None:
            return None
        block = received[line.end() :]
        headers = self._known.get(block)
        if headers is None:
            if block in self._known:
                return None
            headers = self._read(block)
            if headers is None:
                return None
        return QuickRequest(
            path=line[1],
            accept=headers.accept,
            encoding=headers.encoding,
            etag=headers.etag,
            agent=headers.agent,
            keeps_connection=headers.keeps_connection,
            client=headers.client,
        )

    def _read(self, block: bytes) -> _Headers | None:
        headers = _read_headers(block, self._unusual, self._proxies)
        if len(block) <= _LONGEST:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[block] = headers
        return headers


def _read_headers(block: bytes, unusual: frozenset[bytes], proxies: int) -> _Headers | None:
    lines = block.split(b"\r\n")
    if lines[-2:] != [b"", b""]:
        return None
    headers: dict[bytes, bytes] = {}
    for line in lines[:-2]:
        header = _HEADER.fullmatch(line)
        if header is None or header[1].lower() in headers:
            return None
        headers[header[1].lower()] = header[2]
    etag = headers.get(b"if-none-match", b"")
    connection = _CONNECTIONS.get(headers.get(b"connection", b"").lower())
    client = _client(headers.get(b"x-forwarded-for", b""), proxies)
    if (
        connection is None
        or client is None
        or (etag and _ETAG.fullmatch(etag) is None)
        or _HOST.fullmatch(headers.get(b"host", b"")) is None
        or not unusual.isdisjoint(headers)
    ):
        return None
    return _Headers(
        accept=headers.get(b"accept", b""),
        encoding=headers.get(b"accept-encoding", b""),
        etag=etag,
        agent=headers.get(b"user-agent", b"").decode("ascii"),
        keeps_connection=connection,
        client=client,
    )


def _client(forwarded: bytes, proxies: int) -> str | None:
    """The address that the outermost trusted proxy saw; empty if none tells it, None if unclear."""
    if not proxies:
        return ""
    told = forwarded.split(b",")
    if not forwarded or len(told) < proxies:
        return ""
    try:
        return str(ip_address(told[-proxies].strip().decode("ascii")))
    except ValueError:
        return None
