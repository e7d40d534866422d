"""What the server itself answers to a message that is no request, or that it failed over."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from gunicorn.http import errors as http_errors

#: The statuses of what the parser refuses; anything else that it refuses is a bad request.
_STATUSES: dict[type[Exception], HTTPStatus] = {
    http_errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    http_errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    http_errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    http_errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
}

_SAID = {
    HTTPStatus.BAD_REQUEST: "This is not HTTP as RFC 9112 has it.",
    HTTPStatus.EXPECTATION_FAILED: "No such expectation can be met.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "An error on the server.",
    HTTPStatus.NOT_IMPLEMENTED: "This transfer coding is not taken.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "The headers are too large.",
    HTTPStatus.REQUEST_URI_TOO_LONG: "The address is too long.",
}

#: As the application sets them on its own answers.
_HEADERS = (
    "Cache-Control: no-store",
    "Content-Security-Policy: default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy: same-origin",
    "X-Content-Type-Options: nosniff",
    "X-Frame-Options: DENY",
)


def require_plain_headers(headers: Sequence[tuple[str, str]]) -> None:
    """Refuse what the parser lets through and other servers on the way may read in another way.

    Raises:
        ObsoleteFolding: a header goes on in the next line (RFC 9112, 5.2).
        UnsupportedTransferCoding: the coding is not "chunked" alone (RFC 9112, 6.1).
    """
    for name, value in headers:
        # So the parser gives such a line.
        if not name:
            raise http_errors.ObsoleteFolding(value)
    codings = [value for name, value in headers if name.upper() == "TRANSFER-ENCODING"]
    if any(coding.strip().lower() != "chunked" for coding in codings) or len(codings) > 1:
        raise http_errors.UnsupportedTransferCoding(", ".join(codings))


def status_of(error: Exception) -> HTTPStatus:
    """The status for what was raised while a message was read or answered."""
    if not isinstance(error, http_errors.ParseException):
        return HTTPStatus.INTERNAL_SERVER_ERROR
    return _STATUSES.get(type(error), HTTPStatus.BAD_REQUEST)


def answer(status: HTTPStatus) -> bytes:
    """A whole answer, after which the connection ends. It repeats nothing of the message."""
    body = f"{_SAID[status]}\n".encode()
    lines = (
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Connection: close",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Length: {len(body)}",
        *_HEADERS,
    )
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body
