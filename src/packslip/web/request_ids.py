"""A name for each request, which its answer carries and every line of its log."""

from __future__ import annotations

import re
import secrets

import structlog
from flask import Flask, Response, request

_KEY = "packslip.request_id"

#: What a proxy may have called the request.
_GIVEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")


def request_id() -> str:
    """What the current request is called."""
    name: str = request.environ.setdefault(_KEY, _from_proxy() or secrets.token_hex(8))
    return name


def _from_proxy() -> str | None:
    # This stands there once a proxy's headers were believed; see `packslip.web.proxies`.
    if "werkzeug.proxy_fix.orig" not in request.environ:
        return None
    given = request.headers.get("X-Request-ID", "")
    return given if _GIVEN.fullmatch(given) else None


def _begin() -> None:
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id())


def _tell(response: Response) -> Response:
    response.headers["X-Request-ID"] = request_id()
    return response


def init_app(app: Flask) -> None:
    """Name each request before anything else is done with it."""
    app.before_request(_begin)
    app.after_request(_tell)
