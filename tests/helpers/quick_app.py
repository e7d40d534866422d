"""A tiny application that answers some requests at once, for gunicorn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from packslip.serving.worker import AT_ONCE
from packslip.web.at_once import Answer, Later, Loop

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

#: More than the kernel takes of an answer that nobody reads.
LARGE = 16 * 1024 * 1024


class QuickApp:
    """Answers `/quick` and `/large` at once; all else says its path and its body.

    `/later` and `/given-up` are answered after the next `/quick`, the latter by a thread.
    """

    def __init__(self) -> None:
        self.extensions = {AT_ONCE: self}
        self.waiting: list[tuple[Later, Answer | None]] = []
        self.is_time = False

    def attach(self, loop: Loop) -> None:
        pass

    def after_round(self) -> None:
        if self.is_time:
            waiting, self.waiting, self.is_time = self.waiting, [], False
            for later, answer in waiting:
                if not later.is_given:
                    later.give(answer)

    def answer(self, received: bytes, address: str) -> Answer | Later | None:
        if received.find(b"\r\n\r\n") != len(received) - 4:
            return None
        path = received.split()[1]
        if path in {b"/later", b"/given-up"}:
            later = Later()
            self.waiting.append((later, _told(b"later") if path == b"/later" else None))
            return later
        self.is_time = path == b"/quick"
        if path == b"/broken":
            raise ValueError(path)
        body = {b"/quick": b"quick", b"/large": b"l" * LARGE}.get(path)
        if body is None:
            return None
        return _told(body)

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        body = environ["PATH_INFO"].encode() + b" " + environ["wsgi.input"].read()
        start("200 OK", [("Content-Length", str(len(body)))])
        return [body]


def _told(body: bytes) -> Answer:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body), True


app = QuickApp()
