"""Content coding of answers (RFC 9110, 8.4)."""

from __future__ import annotations

import gzip

from flask import request

#: Shorter bodies fit a packet as they are.
LEAST = 1000

_LEVEL = 6


def encoded(body: bytes) -> tuple[bytes, str | None]:
    """The body as the client prefers it, and the name of its coding, None for none.

    The same bytes always give the same ones. The answer varies by Accept-Encoding.
    """
    accepted = request.accept_encodings
    # Clients that say nothing might not be able to read it.
    if len(body) < LEAST or accepted["gzip"] <= 0:
        return body, None
    if "identity" in accepted.values() and accepted["identity"] > accepted["gzip"]:
        return body, None
    return gzip.compress(body, _LEVEL, mtime=0), "gzip"
