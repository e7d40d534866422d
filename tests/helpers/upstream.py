"""An upstream on loopback that answers as it is told, byte by byte."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

JSON = "application/vnd.pypi.simple.v1+json"

#: What is sent one after the other: bytes; a number of seconds in which nothing is; or an event
#: that is waited for. The connection is closed at the end.
Step = bytes | float | threading.Event


@dataclass(frozen=True)
class Request:
    path: str
    #: By their names in lower case.
    headers: dict[str, str]


@dataclass
class ScriptedUpstream:
    """Answers each path with its steps, and with 404 what it was told nothing of."""

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    _steps: dict[str, list[Sequence[Step]]] = field(default_factory=dict)
    _events: list[threading.Event] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def simple_url(self) -> str:
        return f"{self.url}/simple/"

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def script(self, path: str, *steps: Step) -> None:
        """Answer the next request for the path so; the last script stays."""
        self._steps.setdefault(path, []).append(steps)
        self._events += [step for step in steps if isinstance(step, threading.Event)]

    def forget(self) -> None:
        """Forget all scripts and requests."""
        self._steps.clear()
        self.requests.clear()

    def page(self, name: str, *files: dict[str, Any], etag: str | None = None, **more: Any) -> None:
        """Offer a page of a package, for good."""
        document = {"meta": {"api-version": "1.1"}, "name": name, "files": files, **more}
        headers = {"Content-Type": JSON} | ({"ETag": etag} if etag else {})
        self._steps[f"/simple/{name}/"] = [(answer(json.dumps(document).encode(), **headers),)]

    def steps(self, path: str) -> Sequence[Step]:
        scripts = self._steps.get(path)
        if not scripts:
            return (answer(b"", status="404 Not Found"),)
        return scripts.pop(0) if len(scripts) > 1 else scripts[0]

    def wait_for(self, requests: int) -> None:
        """Return when so many requests have come."""
        deadline = time.monotonic() + 30
        while len(self.requests) < requests:
            assert time.monotonic() < deadline, f"only {len(self.requests)} requests came"
            time.sleep(0.01)

    def let_go(self) -> None:
        for event in self._events:
            event.set()


def answer(body: bytes = b"", *, status: str = "200 OK", **headers: str) -> bytes:
    """A whole answer; `_` in a header's name stands for a dash."""
    lines = {"Content-Length": str(len(body)), "Connection": "close", **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def entry(filename: str, **more: Any) -> dict[str, Any]:
    """A file of a page."""
    return {
        "filename": filename,
        "url": f"/files/{filename}",
        "hashes": {"sha256": "a" * 64},
    } | more


@contextmanager
def scripted_upstream() -> Iterator[ScriptedUpstream]:
    """An upstream that runs until the end of the block."""
    upstream = ScriptedUpstream()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        upstream.port = listener.getsockname()[1]
        thread = threading.Thread(target=_accept, args=(listener, upstream), daemon=True)
        thread.start()
        try:
            yield upstream
        finally:
            upstream.let_go()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _accept(listener: socket.socket, upstream: ScriptedUpstream) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(connection, upstream), daemon=True).start()


def _serve(connection: socket.socket, upstream: ScriptedUpstream) -> None:
    with connection, contextlib.suppress(OSError):
        head = b""
        while b"\r\n\r\n" not in head:
            piece = connection.recv(4096)
            if not piece:
                return
            head += piece
        first, *lines = head.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        path = first.split(" ")[1]
        upstream.requests.append(Request(path, headers))
        for step in upstream.steps(path):
            if isinstance(step, bytes):
                connection.sendall(step)
            elif isinstance(step, threading.Event):
                step.wait(30)
            else:
                time.sleep(step)
