"""Headers that every answer carries."""

from __future__ import annotations

import secrets

from flask import Flask, Response, abort, g, request

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


def _begin_request() -> None:
    g.request_id = secrets.token_hex(8)
    # Nothing has such a name, and PostgreSQL refuses to look for it.
    if "\0" in request.path:
        abort(404)


def _add_headers(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.get("request_id") or secrets.token_hex(8)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Referrer-Policy", "same-origin")
    if response.mimetype == "text/html":
        response.headers.setdefault("Content-Security-Policy", _POLICY)
        response.headers.setdefault("X-Frame-Options", "DENY")
    return response


def init_app(app: Flask) -> None:
    """Name each request, refuse impossible paths and add the headers to each answer."""
    app.before_request(_begin_request)
    app.after_request(_add_headers)
