"""Redirects within this index."""

from __future__ import annotations

import re

from flask import Flask, redirect, request
from werkzeug import Response

_ABSOLUTE = re.compile(r"https?://(?P<host>[^/?#]*)(?P<path>.*)")


def moved_permanently(path: str) -> Response:
    """Send the client to another path for good, with the query that it came with.

    The path alone is given, no host: a `Host` header is whatever the client wrote into it.
    """
    query = request.query_string.decode(errors="replace")
    return redirect(f"{path}?{query}" if query else path, code=301)


def init_app(app: Flask) -> None:
    """Make the redirects relative that the routing itself answers."""
    app.after_request(_leave_out_host)


def _leave_out_host(response: Response) -> Response:
    found = _ABSOLUTE.fullmatch(response.headers.get("Location", ""))
    # The routing writes it in lower case.
    if found and found["host"].lower() == request.host.lower():
        # Two slashes would begin another host.
        path = "/" + found["path"].lstrip("/\\")
        relative = redirect(path, response.status_code)
        response.headers["Location"] = relative.location
        # The body has a link to it.
        response.set_data(relative.get_data())
    return response
