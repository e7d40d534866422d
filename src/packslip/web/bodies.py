"""The body of a request, read once, block by block."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from flask import Request, Response, after_this_request, request

from packslip.db import session
from packslip.errors import InvalidError
from packslip.web.context import current_settings

BLOCK_SIZE = 64 * 1024

#: Seconds for which a body may stand still.
PATIENCE = 30.0

#: Seconds for which an unwanted body may stand still, and its least bytes per second.
DRAIN_PATIENCE = 2.0
DRAIN_RATE = 256 * 1024

_BODY = "packslip.body"


class TruncatedBodyError(InvalidError):
    """The client went away, fell silent, or sent a body that is not framed as HTTP asks."""

    def __init__(self) -> None:
        super().__init__("The request's body is damaged or ends too early. Nothing was stored.")


def answerable_body() -> RequestBody:
    """The body of the current request. What is left of it is discarded before the answer is sent.

    Whatever may refuse an upload calls this first; otherwise clients would not see the answer.
    Later calls give the same body.
    """
    if _BODY in request.environ:
        return cast("RequestBody", request.environ[_BODY])
    body = request.environ[_BODY] = RequestBody(request)
    limit = current_settings().max_upload

    def discard_rest(response: Response) -> Response:
        # The client may take its time; the connection to the database goes back before.
        session().rollback()
        if not body.discard(limit):
            response.call_on_close(body.break_off)
        return response

    after_this_request(discard_rest)
    return body


class RequestBody:
    """The body of one request."""

    def __init__(self, request: Request) -> None:
        #: The bytes that the client announced; None when it sends them in chunks.
        self.length = request.content_length
        self._stream = request.stream
        # gunicorn reads from a socket that waits for ever.
        self._socket: socket.socket | None = request.environ.get("gunicorn.socket")
        self._received = 0
        self._whole = self.length == 0
        self._broken = False

    def blocks(self) -> Iterator[bytes]:
        """Yield the body to its end.

        Raises:
            TruncatedBodyError: it ends before the announced length or the last chunk, or stands
                still for too long.
        """
        while block := self._read(PATIENCE):
            yield block

    def discard(self, limit: int) -> bool:
        """Read on to the end, and return whether it was reached.

        Call it before a refusal is answered. Many clients send all of a body before they look for
        the answer, and would lose it if the connection ended meanwhile. So the rest is taken as
        long as it comes fast enough and has no more than `limit` bytes.

        It must not wait until the answer was sent: the client's next request would then be read
        together with the end of this body, and gunicorn forgets it.
        """
        deadline = time.monotonic() + DRAIN_PATIENCE
        start = self._received
        try:
            while not self._whole:
                drained = self._received - start
                left = deadline + drained / DRAIN_RATE - time.monotonic()
                if drained > limit or left <= 0:
                    break
                self._read(min(left, DRAIN_PATIENCE))
        except TruncatedBodyError:
            pass
        return self._whole

    @staticmethod
    def break_off() -> None:
        """End the connection after the answer was sent: what could still be read is no request.

        Raises:
            ConnectionResetError: always; the server takes it as if the client had gone.
        """
        raise ConnectionResetError(errno.ECONNRESET, "the request's body was not read to its end")

    def _read(self, patience: float) -> bytes:
        if self._broken:
            raise TruncatedBodyError
        try:
            with self._timeout(patience):
                block = self._stream.read(BLOCK_SIZE)
        except Exception as error:
            # Each server has its own exceptions for what is wrong with a body.
            self._broken = True
            raise TruncatedBodyError from error
        self._received += len(block)
        if not block:
            self._broken = self.length is not None and self._received != self.length
            if self._broken:
                raise TruncatedBodyError
            self._whole = True
        return block

    @contextmanager
    def _timeout(self, seconds: float) -> Iterator[None]:
        if self._socket is None:
            yield
            return
        before = self._socket.gettimeout()
        self._socket.settimeout(seconds)
        try:
            yield
        finally:
            self._socket.settimeout(before)
