"""Errors as pages for people: what happened, and what one can do about it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import structlog
from flask import render_template, request
from werkzeug.http import HTTP_STATUS_CODES

from packslip.web.request_ids import request_id

log = structlog.get_logger(__name__)

#: What one can do, by status. What the error itself says stands before it.
_ADVICE = {
    400: "Go back, mend what is said above, and send it again.",
    401: "Log in, or give a token, and try again.",
    403: "If you should be able to do this, ask an owner of the package or an admin.",
    404: "Perhaps it was removed, or is called something else.",
    405: "This address is meant for programs. Go back, or begin on the home page.",
    406: "This address has no page for browsers.",
    409: "Somebody else was faster. Look at what is there now, and try again.",
    410: "It is gone for good.",
    413: "Send less, or ask an admin to raise the limit.",
    415: "Send it in a form that is named above.",
    422: "Go back, mend what is said above, and send it again.",
    500: "It is not your fault. An admin finds the reason in the log.",
    502: "A server that this index asks cannot be reached or answers with nonsense. Try later.",
    503: "Try again in a moment.",
    504: "A server that this index asks does not answer. Try again later.",
    507: "An admin has to make room.",
}


def error_page(
    status: int, reason: str, links: Sequence[tuple[str, str]], retry_after: int | None
) -> str:
    """The page for a person.

    From 500 on it needs no database, which may be what failed. Should another one not come about,
    this one comes in its place, and a plain one in the place of this.
    """
    values = {
        "status": status,
        "title": HTTP_STATUS_CODES.get(status, "Error"),
        "reason": reason,
        "links": links,
        "advice": _ADVICE.get(status),
        "wait": None if retry_after is None else _in_words(retry_after),
        "request_id": request_id(),
        "sought": _sought() if status == 404 else None,
        "here": _here() if status in {401, 403} else None,
    }
    for template in ("error.html", "outage.html") if status < 500 else ("outage.html",):
        try:
            return render_template(template, **values)
        except Exception:
            log.exception("a page for an error could not be made", template=template)
    return _plain_page(status, reason)


def _plain_page(status: int, reason: str) -> str:
    title = escape(f"{status} {HTTP_STATUS_CODES.get(status, 'Error')}")
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<title>{title} · Packslip</title>\n'
        f"<h1>{title}</h1>\n<p>{escape(reason)}</p>\n"
        f'<p><a href="/">Home</a></p>\n<p>Request {escape(request_id())}</p>\n</html>'
    )


def _sought() -> str:
    """What may have been meant by the address, to search for: the package, else the last word."""
    words = [part for part in request.path.split("/") if part]
    # Those addresses hold secrets of links.
    if not words or words[0] in {"account", "setup"}:
        return ""
    return (words[1] if words[0] == "project" and len(words) > 1 else words[-1])[:100]


def _here() -> str | None:
    """The address to come back to after logging in; what was posted cannot be posted again."""
    return request.full_path.rstrip("?") if request.method in {"GET", "HEAD"} else None


def _in_words(seconds: int) -> str:
    if seconds < 90:
        return f"{seconds} second{'s' if seconds != 1 else ''}"
    minutes = -(-seconds // 60)
    return f"{minutes} minutes"
