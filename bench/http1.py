"""As much HTTP/1.1 as a load needs: requests as bytes, and where an answer ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

AGENT = "packslip-bench/1"


@dataclass(frozen=True)
class Request:
    """One request; its connection is to be kept."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    body: bytes = field(default=b"", repr=False)

    def encode(self) -> bytes:
        """The request as it goes over the wire."""
        parts = urlsplit(self.url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        headers = {"Host": parts.netloc, "User-Agent": AGENT, **self.headers}
        if self.body:
            headers["Content-Length"] = str(len(self.body))
        lines = [f"{self.method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


class AnswerReader:
    """Finds the end of one answer in a stream, and keeps nothing of its body.

    `status` is 0 until the head is complete; `size` counts the bytes of the body so far.
    """

    def __init__(self) -> None:
        self.status = 0
        self.size = 0
        self.done = False
        self.keeps_connection = False
        self._head = b""
        self._length: int | None = None
        self._chunks: _ChunkReader | None = None

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        while self.status == 0:
            head, end, data = (self._head + data).partition(b"\r\n\r\n")
            if not end:
                self._head = head
                return
            self._head = b""
            self._read_head(head.decode("latin-1"))
        if self._chunks:
            self._chunks.feed(data)
            self.size, self.done = self._chunks.size, self._chunks.done
        else:
            self.size += len(data)
            self.done = self._length is not None and self.size >= self._length

    def end(self) -> None:
        """Say that the stream ended; that completes an answer that told no length."""
        self.done = self.done or bool(self.status and self._length is None and self._chunks is None)

    def _read_head(self, head: str) -> None:
        first, *lines = head.split("\r\n")
        version, status = first.split(" ", 2)[:2]
        if status.startswith("1"):
            return  # An interim answer; the real one follows.
        self.status = int(status)
        headers = {k.lower(): v.strip().lower() for k, _, v in (s.partition(":") for s in lines)}
        if self.status in (204, 304):
            self._length = 0
        elif headers.get("transfer-encoding") == "chunked":
            self._chunks = _ChunkReader()
        elif "content-length" in headers:
            self._length = int(headers["content-length"])
        told = self._chunks is not None or self._length is not None
        self.keeps_connection = (
            told and version == "HTTP/1.1" and headers.get("connection") != "close"
        )


class _ChunkReader:
    """Finds the end of a chunked body (RFC 9112, section 7.1)."""

    def __init__(self) -> None:
        self.size = 0
        self.done = False
        self._buffer = b""
        self._skip = 0
        self._in_trailer = False

    def feed(self, data: bytes) -> None:
        self._buffer += data
        while not self.done:
            skipped = min(self._skip, len(self._buffer))
            self._buffer = self._buffer[skipped:]
            self._skip -= skipped
            line, end, rest = self._buffer.partition(b"\r\n")
            if self._skip or not end:
                return
            self._buffer = rest
            if self._in_trailer:
                self.done = not line
            else:
                size = int(line.partition(b";")[0], 16)
                self.size += size
                # The chunk is followed by a line end of its own.
                self._skip = size + 2 if size else 0
                self._in_trailer = size == 0
