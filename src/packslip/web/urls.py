"""Absolute addresses."""

from __future__ import annotations

from urllib.parse import urlsplit

from packslip.web.context import current_settings

#: Hosts that pip trusts without TLS.
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def base_url() -> str:
    """The address of this index without a final slash.

    It comes from the settings alone: a `Host` header is whatever the client wrote into it.
    """
    return current_settings().base_url or "http://127.0.0.1:8080"


def base_host() -> str:
    """The host in the address of this index."""
    return urlsplit(base_url()).hostname or ""


def untrusted_host() -> str | None:
    """The host that pip must be told to trust; None over TLS and on this machine."""
    host = base_host()
    return host if base_url().startswith("http:") and host not in _LOOPBACK else None
