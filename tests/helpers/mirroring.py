"""Mirrored files, and an upstream on loopback that sends them well or badly."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from packslip.db import write_transaction
from packslip.events.models import Event
from packslip.mirror import current
from packslip.mirror.models import MirrorFile, MirrorPage, PageState
from packslip.mirror.upstreams import DEFAULT_NAME
from packslip.packages.models import File, Origin, Package, Release
from packslip.packages.releases import new_release
from packslip.simple_api.addresses import address_of
from packslip.web import context
from packslip.web.context import current_settings, current_storage

WHEEL = "demo-1.0-py3-none-any.whl"


@dataclass
class Manner:
    """How one request for a file is answered."""

    #: After so many bytes of the body the connection is cut.
    cut_after: int | None = None
    #: After so many bytes of the body nothing comes until `wait_for` happens.
    wait_after: int | None = None
    #: Nothing at all comes before it does.
    wait_before: bool = False
    wait_for: threading.Event = field(default_factory=threading.Event)
    ranges: bool = True
    #: Whether its length is told; the end of the connection is its end otherwise.
    length: bool = True
    #: Sent instead of what belongs there.
    data: bytes | None = None
    status: int | None = None


class FileUpstream:
    """Files at `url`; what was asked stands in `requests`, as path and range."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        #: By path, how the next requests are answered; the last manner stays.
        self.manners: dict[str, list[Manner]] = {}
        self.requests: list[tuple[str, str | None]] = []
        self.url = ""

    def add(self, data: bytes, name: str = WHEEL, *manners: Manner) -> str:
        """Offer a file; give its address."""
        self.files[f"/{name}"] = data
        self.manners[f"/{name}"] = list(manners)
        return f"{self.url}/{name}"

    def manner(self, path: str) -> Manner:
        manners = self.manners.get(path) or [Manner()]
        return manners.pop(0) if len(manners) > 1 else manners[0]


@contextmanager
def file_upstream() -> Iterator[FileUpstream]:
    """An upstream that runs until the end of the block."""
    upstream = FileUpstream()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            upstream.requests.append((self.path, self.headers.get("Range")))
            data = upstream.files.get(self.path)
            if data is None:
                self.send_error(404)
                return
            _answer(self, data, upstream.manner(self.path))

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            # Clients that go away are what some tests are about.
            pass

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    upstream.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield upstream
    finally:
        for manners in upstream.manners.values():
            for manner in manners:
                manner.wait_for.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _answer(handler: BaseHTTPRequestHandler, data: bytes, manner: Manner) -> None:
    data = data if manner.data is None else manner.data
    if manner.wait_before:
        manner.wait_for.wait(30)
    if manner.status is not None:
        handler.send_error(manner.status)
        return
    etag = f'"{hashlib.md5(data).hexdigest()}"'
    condition = handler.headers.get("If-Range")
    asked = re.fullmatch(r"bytes=(\d*)-(\d*)", handler.headers.get("Range") or "")
    start, stop, status = 0, len(data), 200
    if asked and manner.ranges and condition in {None, etag}:
        status = 206
        if asked[1]:
            start, stop = int(asked[1]), min(int(asked[2] or len(data)) + 1, len(data))
        else:
            start = max(0, len(data) - int(asked[2]))
    handler.send_response(status)
    handler.send_header("ETag", etag)
    if manner.length:
        handler.send_header("Content-Length", str(stop - start))
    if status == 206:
        handler.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(data)}")
    handler.end_headers()
    body = data[start:stop]
    if manner.wait_after is not None:
        handler.wfile.write(body[: manner.wait_after])
        handler.wfile.flush()
        manner.wait_for.wait(30)
        body = body[manner.wait_after :]
    handler.wfile.write(body if manner.cut_after is None else body[: manner.cut_after])


def add_mirrored_file(
    session: Session,
    url: str,
    data: bytes | None = None,
    filename: str = WHEEL,
    *,
    package: str = "demo",
    mirrored: dict[str, Any] | None = None,
    **values: Any,
) -> File:
    """A file of a mirrored package whose bytes are at `url` and not held.

    What upstream tells of the bytes is that of `data`, if that is given.
    """
    told: dict[str, Any] = {"size": 0}
    if data is not None:
        told = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    is_wheel = filename.endswith(".whl")
    # At one blow: a server may be running on the database.
    with write_transaction(session):
        if session.get(Package, package) is None:
            session.add(Package(id=package, name=package, origin=Origin.MIRRORED))
            page = MirrorPage(package_id=package, state=PageState.FOUND, upstream=DEFAULT_NAME)
            session.add(page)
        release = session.scalar(select(Release).where(Release.package_id == package))
        if release is None:
            release = new_release(package, "1.0", Origin.MIRRORED)
        file = File(
            **{
                "release": release,
                "filename": filename,
                "packagetype": "bdist_wheel" if is_wheel else "sdist",
                "tags": "py3-none-any" if is_wheel else "source",
                "uploaded_at": datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC),
                "url": url,
                **told,
                **values,
            }
        )
        session.add(file)
        session.flush()
        session.add(MirrorFile(file_id=file.id, **(mirrored or {})))
    return file


def change(app: Flask, **changes: Any) -> None:
    """Give the application other settings."""
    settings = replace(current_settings(), **changes)
    context.attach(app, settings, current_storage())
    current.init_app(app, settings)


def path_of(file: File) -> str:
    """The address of the file here."""
    return f"/{address_of(file.id, file.sha256, file.filename)}"


def settle(session: Session) -> None:
    """Wait for the fetches of this process."""
    running = [thread for thread in threading.enumerate() if thread.name.startswith("fetch ")]
    for thread in running:
        thread.join(20)
    session.rollback()


def actions(session: Session) -> list[str]:
    """What was recorded."""
    return list(session.scalars(select(Event.action)))
