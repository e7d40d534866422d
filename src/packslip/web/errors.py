"""The one table that makes an HTTP answer of an error."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import structlog
from flask import Flask, Response, g, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from packslip import errors

log = structlog.get_logger(__name__)

#: The status of each kind of error; the first kind that fits decides.
STATUSES: tuple[tuple[type[errors.PackslipError], int], ...] = (
    (errors.UnauthenticatedError, 401),
    (errors.NotAllowedError, 403),
    (errors.NotFoundError, 404),
    (errors.NotAcceptableError, 406),
    (errors.ConflictError, 409),
    (errors.GoneError, 410),
    (errors.PreconditionFailedError, 412),
    (errors.TooLargeError, 413),
    (errors.PreconditionNeededError, 428),
    (errors.TooOftenError, 429),
    (errors.StorageFullError, 507),
    (errors.UnavailableError, 503),
    (errors.InvalidError, 400),
)

#: Longer phrases are cut: servers and proxies limit the length of a status line.
MAX_PHRASE = 400


def status_of(error: errors.PackslipError) -> int:
    """The HTTP status for an error; 500 for a kind that the table does not name."""
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 500)


def reason_phrase(text: str) -> str:
    """The text as it can stand in a status line: one line of printable ASCII (RFC 9112)."""
    line = re.sub(r"[^\x20-\x7e]+", "?", " ".join(text.split()))
    return line if len(line) <= MAX_PHRASE else line[: MAX_PHRASE - 3] + "..."


def error_response(
    status: int,
    reason: str,
    links: Sequence[tuple[str, str]] = (),
    details: Mapping[str, Any] | None = None,
) -> Response:
    """An answer that carries the reason in its status line and in its body.

    Uploading tools show one or the other. The body is a page for a browser, problem details
    (RFC 9457) for who asks for JSON and below `/api/`, else one line of text. The page has links
    that may help, the problem has `details`.
    """
    accept = request.accept_mimetypes
    title = HTTP_STATUS_CODES.get(status, "Error")
    is_api = request.path.startswith("/api/")
    if not is_api and "text/html" in accept.values() and accept.quality("text/html") == 1:
        body: str | bytes = render_template(
            "error.html", status=status, title=title, reason=reason, links=links
        )
        mimetype = "text/html"
    elif (
        is_api
        or accept.best_match(["text/plain", "application/json"]) == "application/json"
        or "application/problem+json" in accept.values()
    ):
        problem = {"type": "about:blank", "title": title, "status": status, "detail": reason}
        problem |= details or {}
        body, mimetype = msgspec.json.encode(problem), "application/problem+json"
    else:
        body, mimetype = f"{reason}\n", "text/plain"
    response = Response(body, mimetype=mimetype)
    response.status = f"{status} {reason_phrase(reason)}"
    response.headers["Cache-Control"] = "no-store"
    response.vary.add("Accept")
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="Packslip", charset="UTF-8"'
    if status == 503:
        response.headers["Retry-After"] = "5"
    return response


def _on_packslip_error(error: errors.PackslipError) -> Response:
    details = dict(error.details)
    if isinstance(error, errors.InvalidError) and error.field is not None:
        details["field"] = error.field
    response = error_response(status_of(error), error.reason, error.links, details)
    if isinstance(error, errors.TooOftenError):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _on_http_exception(error: HTTPException) -> Response:
    if error.code is None or error.code < 400:
        return Response.force_type(error.get_response(), request.environ)  # type: ignore[return-value]
    # Werkzeug's own descriptions say no more than the status does.
    described = error.description if "description" in vars(error) else None
    reason = described or HTTP_STATUS_CODES.get(error.code, "Error")
    response = error_response(error.code, reason)
    if error.code == 405:
        response.headers.extend(error.get_headers())
        response.headers["Content-Type"] = f"{response.mimetype}; charset=utf-8"
    return response


def _on_bug(error: Exception) -> Response:
    # Not the path itself, which may hold the secret of a link.
    route = None if request.url_rule is None else request.url_rule.rule
    log.error("unhandled error", exc_info=error, request_id=g.get("request_id"), route=route)
    return error_response(500, f"An error on the server. Its log has more: {g.get('request_id')}")


def init_app(app: Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(errors.PackslipError, _on_packslip_error)
    app.register_error_handler(HTTPException, _on_http_exception)
    app.register_error_handler(Exception, _on_bug)
