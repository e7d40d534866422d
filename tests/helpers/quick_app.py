"""A tiny application that answers some requests at once, for gunicorn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from packslip.serving.worker import AT_ONCE

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

#: More than the kernel takes of an answer that nobody reads.
LARGE = 16 * 1024 * 1024


class QuickApp:
    """Answers `/quick` and `/large` at once; all else says its path and its body."""

    def __init__(self) -> None:
        self.extensions = {AT_ONCE: self.at_once}

    def at_once(self, received: bytes, address: str) -> tuple[bytes, bool] | None:
        if received.find(b"\r\n\r\n") != len(received) - 4:
            return None
        path = received.split()[1]
        if path == b"/broken":
            raise ValueError(path)
        body = {b"/quick": b"quick", b"/large": b"l" * LARGE}.get(path)
        if body is None:
            return None
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body), True

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        body = environ["PATH_INFO"].encode() + b" " + environ["wsgi.input"].read()
        start("200 OK", [("Content-Length", str(len(body)))])
        return [body]


app = QuickApp()
