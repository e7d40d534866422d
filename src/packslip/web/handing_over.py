"""Letting the proxy in front send stored bytes itself (`X-Accel-Redirect` of nginx)."""

from __future__ import annotations

from urllib.parse import quote

from flask import request

from packslip.storage.protocol import StoredFile
from packslip.web.context import current_settings

HEADER = "X-Accel-Redirect"


def address_for_proxy(key: str, stored: StoredFile) -> str | None:
    """Where the proxy finds what is stored under `key`; None if it is not to send it.

    Whoever reaches the server past the proxy would be sent nothing, so that only requests count
    that a trusted proxy passed on. What waits for `If-Range` is compared with our own ETag here.
    """
    prefix = current_settings().accel_redirect
    if not prefix or stored.local_file is None or "If-Range" in request.headers:
        return None
    came_by_proxy = "werkzeug.proxy_fix.orig" in request.environ
    if not (came_by_proxy and request.headers.get("X-Forwarded-For")):
        return None
    return quote(prefix + key)
