"""Redirects within this index."""

from __future__ import annotations

from flask import redirect, request
from werkzeug import Response


def moved_permanently(path: str) -> Response:
    """Send the client to another path for good, with the query that it came with.

    The path alone is given, no host: a `Host` header is whatever the client wrote into it.
    """
    query = request.query_string.decode(errors="replace")
    return redirect(f"{path}?{query}" if query else path, code=301)
