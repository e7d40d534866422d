"""Files that the proxy in front sends, once it is told to."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import shake_128
from pathlib import Path

import httpx
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.app import make_app
from tests.helpers.databases import SQLiteDatabases
from tests.helpers.server import free_port, serving
from tests.helpers.stored import add_stored_file, path_of

from bench import nginx
from packslip.db import db
from packslip.downloads.drain import drain
from packslip.downloads.models import Download
from packslip.index.finishing import current_answers
from packslip.web.context import current_settings

DATA = shake_128(b"seed").digest(200_000)
SETTINGS = {"PACKSLIP_TRUSTED_PROXIES": "1", "PACKSLIP_ACCEL_REDIRECT": nginx.INTERNAL}
BY_PROXY = {"X-Forwarded-For": "192.0.2.9"}


class Index:
    """An index behind a proxy that sends its files."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.app = make_app(folder, url, **SETTINGS)
        with self.session():
            self.path = path_of(add_stored_file(db.session(), DATA, metadata=b"Name: demo\n"))
        self.client: FlaskClient = self.app.test_client()

    @contextmanager
    def session(self) -> Iterator[Session]:
        with self.app.app_context():
            yield db.session()
            db.session.remove()
            db.engine.dispose()

    def downloaders(self) -> list[str | None]:
        """The addresses to which the file went."""
        with self.session() as session:
            drain(session, current_settings().downloads_folder)
            return list(session.scalars(select(Download.ip_address)))


@pytest.fixture
def index(tmp_path: Path, sqlite_databases: SQLiteDatabases) -> Iterator[Index]:
    made = Index(tmp_path, sqlite_databases.create(tmp_path))
    yield made
    with made.app.app_context():
        current_answers().close()


def test_the_proxy_is_told_to_send_the_file_and_the_download_is_recorded(index: Index) -> None:
    answer = index.client.get(index.path, headers=BY_PROXY)

    assert answer.status_code == 200
    place = index.path.removeprefix("/files/")
    assert answer.headers["X-Accel-Redirect"] == nginx.INTERNAL + place
    assert answer.content_type == "application/octet-stream"
    assert (answer.content_length, answer.data) == (0, b"")
    assert index.downloaders() == ["192.0.2.9"]


def test_who_comes_past_the_proxy_gets_the_file_itself(index: Index) -> None:
    assert index.client.get(index.path).data == DATA
    assert index.downloaders() == ["127.0.0.1"]


def test_parts_and_what_a_client_has_are_no_downloads(index: Index) -> None:
    etag = index.client.head(index.path, headers=BY_PROXY).headers["ETag"]
    part = index.client.get(index.path, headers={**BY_PROXY, "Range": "bytes=5-9"})
    known = index.client.get(index.path, headers={**BY_PROXY, "If-None-Match": etag})

    assert (part.status_code, "X-Accel-Redirect" in part.headers) == (200, True)
    assert "Content-Range" not in part.headers
    assert (known.status_code, "X-Accel-Redirect" in known.headers) == (304, False)
    resumed = {**BY_PROXY, "Range": "bytes=5-9", "If-Range": etag}
    assert index.client.get(index.path, headers=resumed).data == DATA[5:10]
    assert index.downloaders() == []


def test_it_is_told_again_at_once_with_the_address_of_each_client(index: Index) -> None:
    index.client.get(index.path, headers=BY_PROXY)

    def ask(*headers: str) -> bytes | None:
        lines = "\r\n".join((f"GET {index.path} HTTP/1.1", "Host: 127.0.0.1", *headers))
        answer = current_answers().answer(f"{lines}\r\n\r\n".encode(), "127.0.0.1")
        return answer and answer[0]

    with index.app.app_context():
        first, second = (ask(f"X-Forwarded-For: 10.0.0.1, 192.0.2.{n}") for n in (1, 2))
        assert first is not None
        assert second is not None
        assert b"\r\nContent-Length: 0\r\n" in first
        assert f"\r\nX-Accel-Redirect: {nginx.INTERNAL}".encode() in first
        # Past the proxy, and with an address that is none, the routes have to look.
        assert ask() is None
        assert ask("X-Forwarded-For: elsewhere") is None
    assert index.downloaders() == ["192.0.2.9", "192.0.2.1", "192.0.2.2"]


@pytest.mark.skipif(nginx.find() is None, reason="nginx is not installed")
def test_a_real_nginx_sends_files_with_our_headers(index: Index, tmp_path: Path) -> None:
    front = tmp_path / "nginx"
    front.mkdir()
    port = free_port()
    with serving(tmp_path, data=tmp_path, workers=1, **SETTINGS) as server:
        nginx.in_front_of_packslip(front, port=port, behind=server.port, data=tmp_path)
        process = subprocess.Popen(nginx.command(str(front)))
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
                _wait_for(client)
                check_files(client, httpx.get(server.url + index.path), index.path)
        finally:
            process.terminate()
            process.wait(20)
    # Past the proxy once, then twice through it: whole, and whole again.
    assert len(index.downloaders()) == 3


def _wait_for(client: httpx.Client) -> None:
    for _ in range(200):
        with suppress(httpx.TransportError):
            if client.get("/healthz").status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError("nginx does not answer")


def check_files(client: httpx.Client, direct: httpx.Response, path: str) -> None:
    for _ in range(2):
        whole = client.get(path)
        assert (whole.status_code, whole.content) == (200, DATA)
        for name in ("ETag", "Content-Type", "Content-Length", "Cache-Control",
                     "Content-Disposition", "X-Content-Type-Options"):  # fmt: skip
            assert whole.headers[name] == direct.headers[name], name
    part = client.get(path, headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, DATA[5:10])
    assert client.get(path, headers={"If-None-Match": direct.headers["ETag"]}).status_code == 304
    assert client.get(f"{path}.metadata").content == b"Name: demo\n"
    # What nginx has for itself is nobody else's.
    assert client.get(nginx.INTERNAL + path.removeprefix("/files/")).status_code == 404
