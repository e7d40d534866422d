"""Connections to upstreams: cut when their time is over, and refused where they must not lead."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

#: Connections that are held open to one host.
_KEPT = 16


class ForbiddenPeerError(OSError):
    """An address that an upstream links to leads into this machine's own network."""


class Watch:
    """Cuts what is under way when the time is over, however slowly bytes still come.

    A timeout of a socket counts anew with each byte.
    """

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.fired = False
        self._connection: HTTPConnection | None = None
        self._timer = threading.Timer(max(0.0, deadline - time.monotonic()), self._cut)
        self._timer.daemon = True

    @property
    def left(self) -> float:
        """Seconds, never less than a hundredth."""
        return max(0.01, self.deadline - time.monotonic())

    def take(self, connection: HTTPConnection) -> None:
        """Watch this connection from now on."""
        self._connection = connection

    def __enter__(self) -> Watch:
        self._timer.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._timer.cancel()

    def _cut(self) -> None:
        self.fired = True
        with contextlib.suppress(Exception):
            sock = getattr(self._connection, "sock", None)
            if sock is not None:
                sock.shutdown(socket.SHUT_RDWR)


_watch: ContextVar[Watch | None] = ContextVar("watch", default=None)


@contextmanager
def watched(deadline: float) -> Iterator[Watch]:
    """Cut the connections that the block uses at that moment of the monotonic clock."""
    with Watch(deadline) as watch:
        token = _watch.set(watch)
        try:
            yield watch
        finally:
            _watch.reset(token)


def is_outside(address: str) -> bool:
    """Whether the IP address is one of the public Internet."""
    found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return found.is_global and not found.is_multicast


def leads_inside(host: str) -> bool:
    """Whether the host's name stands for an address that is not of the public Internet."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return any(not is_outside(str(entry[4][0])) for entry in found)


class _Watched(HTTPConnection):
    def connect(self) -> None:
        self._be_watched()
        super().connect()

    def putrequest(self, *arguments: Any, **options: Any) -> None:
        self._be_watched()
        super().putrequest(*arguments, **options)

    def _be_watched(self) -> None:
        watch = _watch.get()
        if watch is not None:
            watch.take(self)


class _WatchedTLS(_Watched, HTTPSConnection):
    pass


class _Guarded(_Watched):
    def _new_conn(self) -> socket.socket:
        found = super()._new_conn()
        # The peer itself, not what its name stood for when it was looked up before.
        if not is_outside(str(found.getpeername()[0])):
            found.close()
            raise ForbiddenPeerError
        return found


class _GuardedTLS(_Guarded, _WatchedTLS):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _PoolTLS(HTTPSConnectionPool):
    ConnectionCls = _WatchedTLS


class _GuardedPool(HTTPConnectionPool):
    ConnectionCls = _Guarded


class _GuardedPoolTLS(HTTPSConnectionPool):
    ConnectionCls = _GuardedTLS


def make_pools(*, guarded: bool, proxy: str | None = None) -> urllib3.PoolManager:
    """Pools of connections; `guarded` ones lead to the public Internet alone.

    Where a proxy connects, it decides where to.
    """
    options: dict[str, Any] = {
        "num_pools": 20,
        "maxsize": _KEPT,
        "retries": False,
        # The certificates that the system trusts.
        "ssl_context": ssl.create_default_context(),
    }
    pools = (
        urllib3.PoolManager(**options) if proxy is None else urllib3.ProxyManager(proxy, **options)
    )
    if guarded and proxy is None:
        pools.pool_classes_by_scheme = {"http": _GuardedPool, "https": _GuardedPoolTLS}
    else:
        pools.pool_classes_by_scheme = {"http": _Pool, "https": _PoolTLS}
    return pools
