"""Addresses of webhooks, and sending to them without being led into private networks.

A name may mean another address each time that it is asked for. So it is looked up here, and what
was checked is what is connected to. Redirects are answers like others, and followed nowhere.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from urllib.parse import SplitResult, urlsplit

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from packslip.errors import InvalidError

#: Seconds that all of it may take, and each step of it.
TIMEOUT = 10.0

MAX_URL = 2000

_IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

#: IPv6 addresses that stand for IPv4 ones (RFC 6052); a translator may lead to these.
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")


class WebhookUrlError(InvalidError):
    """Nothing can be sent to such an address."""

    field = "url"

    def __init__(self) -> None:
        super().__init__(
            "It must be an address such as https://hooks.example.com/packages,"
            " without user and password."
        )


class NotSentError(Exception):
    """The message was not answered. The text says why in a few words, for admins."""


class RefusedTargetError(NotSentError):
    """The address is in a private network, and nobody allowed that."""


def check_url(url: str) -> str:
    """The address of a webhook, as it was given.

    Raises:
        WebhookUrlError: nothing can be sent to it.
    """
    url = url.strip()
    if len(url) > MAX_URL:
        raise WebhookUrlError
    try:
        parts = urlsplit(url)
        port = parts.port
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and port != 0
        (parts.hostname or "").encode("idna")
    except (ValueError, UnicodeError):
        raise WebhookUrlError from None
    plain = url.isascii() and url.isprintable() and not {" ", '"', "<", ">", "\\"} & set(url)
    if not (good and plain) or "@" in parts.netloc or parts.fragment:
        raise WebhookUrlError
    return url


def is_private(address: _IPAddress) -> bool:
    """Whether the address is anything but one that everybody on the internet can be."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _TRANSLATED:
            address = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        else:
            teredo = address.teredo
            inner = address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
            address = inner or address
    return not address.is_global or address.is_multicast or address.is_reserved


def post(url: str, headers: Mapping[str, str], body: bytes, *, allow_private: bool) -> int:
    """Send the body to the address and return the status of the answer.

    Raises:
        RefusedTargetError: the address is in a private network, and that is not allowed.
        NotSentError: there was no answer in time.
    """
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    address = _look_up(parts, allow_private=allow_private)
    connection = _connection(parts, address)
    try:
        with _deadline(connection):
            connection.request("POST", path, body=body, headers={**headers, "Host": _host(parts)})
            # What the answer says is nobody's business here, and may be endless.
            return connection.getresponse().status
    except ssl.SSLError as error:
        raise NotSentError(f"TLS: {error.reason or 'failed'}") from error
    except (HTTPError, OSError) as error:
        raise NotSentError(_describe(error)) from error
    except Exception as error:
        # The standard library's parser has errors of its own for what is no HTTP.
        raise NotSentError("no HTTP answer") from error
    finally:
        connection.close()


def _look_up(parts: SplitResult, *, allow_private: bool) -> str:
    host = parts.hostname or ""
    try:
        found = socket.getaddrinfo(host, _port(parts), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotSentError("the host has no address") from None
    addresses = [str(one[4][0]) for one in found]
    if not allow_private:
        # One that is private is enough: nobody is to choose among them by luck.
        for text in addresses:
            if is_private(ipaddress.ip_address(text.partition("%")[0])):
                raise RefusedTargetError("the host is in a private network")
    return addresses[0]


def _connection(parts: SplitResult, address: str) -> HTTPConnection:
    if parts.scheme == "http":
        return HTTPConnection(address, _port(parts), timeout=TIMEOUT)
    return HTTPSConnection(
        address,
        _port(parts),
        timeout=TIMEOUT,
        ssl_context=ssl.create_default_context(),
        server_hostname=parts.hostname,
        assert_hostname=parts.hostname,
    )


@contextlib.contextmanager
def _deadline(connection: HTTPConnection) -> Iterator[None]:
    """Cut the connection off when all of it takes too long, however little comes at a time."""

    def cut() -> None:
        opened = connection.sock
        if opened is not None:
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(TIMEOUT, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _host(parts: SplitResult) -> str:
    """The header `Host`, as the address has it."""
    return parts.netloc


def _describe(error: Exception) -> str:
    text = "no answer in time" if "timeout" in type(error).__name__.lower() else "no connection"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return text
