"""The one table that makes an HTTP answer of an error."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

import msgspec
import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed
from werkzeug.http import HTTP_STATUS_CODES

from packslip import errors
from packslip.db import db
from packslip.db_failures import failure_of, is_full
from packslip.web.error_pages import error_page
from packslip.web.request_ids import request_id

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
    (errors.BadGatewayError, 502),
    (errors.GatewayTimeoutError, 504),
    (errors.StorageFullError, 507),
    (errors.UnavailableError, 503),
    (errors.InvalidError, 400),
)

#: What is said of a status when nobody said more.
_SAID = {
    400: "The request could not be understood.",
    401: "This needs a log-in or a token.",
    403: "This is not allowed.",
    404: "There is nothing at this address.",
    405: "This cannot be done at this address.",
    406: "This is not offered in a form that was asked for.",
    409: "This does not fit what is there now.",
    410: "This was here once and was retired.",
    413: "What was sent is too large.",
    415: "What was sent is of a kind that is not taken here.",
    422: "What was sent is readable, but does not make sense here.",
    429: "That was tried too often.",
    502: "Another server gave an answer that cannot be used.",
    503: "This cannot be done at the moment.",
    504: "Another server did not answer in time.",
}

#: Seconds after which a client may come back that found the server unable to answer.
RETRY_AFTER = 5

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
    retry_after: int | None = None,
) -> Response:
    """An answer that carries the reason in its status line and in its body.

    Uploading tools show one or the other. The body is a page for a browser, problem details
    (RFC 9457) for who asks for JSON and below `/api/`, else one line of text. The page has links
    that may help, the problem has `details`. `retry_after` are seconds.
    """
    if status == 503 and retry_after is None:
        retry_after = RETRY_AFTER
    accept = request.accept_mimetypes
    is_api = request.path.startswith("/api/")
    if not is_api and "text/html" in accept.values() and accept.quality("text/html") == 1:
        body: str | bytes = error_page(status, reason, links, retry_after)
        mimetype = "text/html"
    elif (
        is_api
        or accept.best_match(["text/plain", "application/json"]) == "application/json"
        or "application/problem+json" in accept.values()
    ):
        body, mimetype = _problem(status, reason, details or {}), "application/problem+json"
    else:
        body, mimetype = f"{reason}\n", "text/plain"
    response = Response(body, mimetype=mimetype)
    response.status = f"{status} {reason_phrase(reason)}"
    response.headers["Cache-Control"] = "no-store"
    # What else adds it to answers may be what failed.
    response.headers["X-Request-ID"] = request_id()
    response.vary.add("Accept")
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="Packslip", charset="UTF-8"'
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def _problem(status: int, reason: str, details: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(
        {
            **details,
            "type": "about:blank",
            "title": HTTP_STATUS_CODES.get(status, "Error"),
            "status": status,
            "detail": reason,
            "request_id": request_id(),
        }
    )


def _on_packslip_error(error: errors.PackslipError) -> Response:
    status = status_of(error)
    if status >= 500:
        log.warning("refused", status=status, reason=error.reason)
    details = dict(error.details)
    if isinstance(error, errors.InvalidError) and error.field is not None:
        details["field"] = error.field
    retry_after = error.retry_after if isinstance(error, errors.TooOftenError) else None
    return error_response(status, error.reason, error.links, details, retry_after)


def _on_http_exception(error: HTTPException) -> Response:
    if error.code is None or error.code < 400:
        return Response.force_type(error.get_response(), request.environ)  # type: ignore[return-value]
    if isinstance(error, InternalServerError) and error.original_exception is not None:
        # It failed outside of any route; `_log_exception` was told.
        return _answer_to(error.original_exception)
    if error.code >= 500:
        log.warning("refused", status=error.code, reason=_reason_of(error), route=_route())
    response = error_response(error.code, _reason_of(error))
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(error.valid_methods or ())
    return response


def _reason_of(error: HTTPException) -> str:
    # Werkzeug's own descriptions say no more than the status does.
    if "description" in vars(error) and error.description:
        return error.description
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        *methods, last = sorted(set(error.valid_methods) - {"OPTIONS"}) or error.valid_methods
        taken = f"{', '.join(methods)} and {last}" if methods else last
        return f"{request.method} is not taken here, only {taken}."
    code = error.code or 500
    return _SAID.get(code) or HTTP_STATUS_CODES.get(code, "Error")


def _on_failure(error: Exception) -> Response:
    _log_failure(error)
    return _answer_to(error)


def _log_failure(error: BaseException | None) -> None:
    told = None if error is None else failure_of(error)
    if told is not None:
        # While it is away every request comes here: one line for each is enough.
        log.error("the database failed", error=told, kind=type(error).__name__, route=_route())
    else:
        log.error("unhandled error", exc_info=error, route=_route())


def _answer_to(error: BaseException) -> Response:
    """The answer to what no table names: a failure of the database, or a bug."""
    if failure_of(error) is None:
        return error_response(500, f"An error on the server. Its log has more: {request_id()}")
    # What is left of the transaction would fail whatever comes next.
    with contextlib.suppress(Exception):
        db.session.rollback()
    if is_full(error):
        return error_response(507, "There is no room left for the database.")
    return error_response(503, "The database cannot be reached at the moment.")


def _log_exception(
    told: tuple[type, BaseException, TracebackType] | tuple[None, None, None],
) -> None:
    """Log what fails around a route as what fails within it; Flask's own line has the path."""
    _log_failure(told[1])


def _route() -> str | None:
    # Not the path itself, which may hold the secret of a link.
    return None if request.url_rule is None else request.url_rule.rule


def init_app(app: Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(errors.PackslipError, _on_packslip_error)
    app.register_error_handler(HTTPException, _on_http_exception)
    app.register_error_handler(Exception, _on_failure)
    app.log_exception = _log_exception  # type: ignore[assignment,method-assign]
