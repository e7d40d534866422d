"""A receiver of webhooks within the process."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Message:
    """What was sent."""

    path: str
    headers: dict[str, str]
    body: bytes

    def is_signed_with(self, secret: str) -> bool:
        """Whether the signature is that of Standard Webhooks, computed by itself."""
        key = base64.b64decode(secret[len("whsec_") :])
        named = ".".join([self.headers["webhook-id"], self.headers["webhook-timestamp"], ""])
        digest = hmac.digest(key, named.encode() + self.body, hashlib.sha256)
        return self.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()


@dataclass
class Receiver:
    """Answers with the given statuses, one after the other, and then with the last one."""

    url: str = ""
    statuses: list[int] = field(default_factory=lambda: [204])
    location: str = ""
    messages: list[Message] = field(default_factory=list)


@contextlib.contextmanager
def receiver(*statuses: int, location: str = "") -> Iterator[Receiver]:
    """A receiver on loopback, until the block ends."""
    told = Receiver(statuses=list(statuses or (204,)), location=location)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            told.messages.append(Message(self.path, headers, body))
            many = len(told.statuses) > 1
            self.send_response(told.statuses.pop(0) if many else told.statuses[0])
            if told.location:
                self.send_header("Location", told.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_port}/hook?key=1"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
