"""What is recorded when files are served."""

from __future__ import annotations

import os
import socket
import threading
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from tests.helpers.fetching import downloads, get
from tests.helpers.stored import add_stored_file, path_of

from packslip.downloads.recorder import current_recorder
from packslip.storage.protocol import MissingBytesError
from packslip.web import proxies, stored
from packslip.web.context import current_settings


def test_a_download_is_recorded_with_who_and_what(session: Session, client: FlaskClient) -> None:
    file = add_stored_file(session)
    get(client, path_of(file), User_Agent="uv/0.13.9")
    (row,) = downloads(session)
    assert (row.package_id, row.release_id, row.file) == ("demo", file.release_id, file.filename)
    assert (row.ip_address, row.user_agent, row.installer) == ("127.0.0.1", "uv/0.13.9", "uv")
    assert (row.user_id, row.token_id) == (None, None)


def test_each_whole_download_is_counted_once(session: Session, client: FlaskClient) -> None:
    path = path_of(add_stored_file(session))
    for _ in range(3):
        get(client, path)
    get(client, path, Range="bytes=0-1,3-4")
    assert len(downloads(session)) == 4


def test_what_is_no_whole_download_is_not_counted(session: Session, client: FlaskClient) -> None:
    file = add_stored_file(session)
    path = path_of(file)
    client.head(path)
    get(client, path, Range="bytes=0-")
    get(client, path, Range="bytes=20-")
    get(client, path, If_None_Match=f'"{file.sha256}"')
    get(client, path + "x")
    assert not downloads(session)


def test_a_download_is_recorded_before_its_last_block_and_after_all_others(
    session: Session, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "LAST_BLOCK", 3)
    file = add_stored_file(session)
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(current_recorder(), "record", lambda **fields: calls.append(fields))
    response = client.get(path_of(file), buffered=False)
    blocks = iter(response.response)
    assert next(blocks) == b"0123456"
    assert not calls
    assert next(blocks) == b"789"
    assert len(calls) == 1
    assert next(blocks, None) is None
    response.close()
    assert len(calls) == 1


def test_a_client_that_goes_away_is_not_counted(
    session: Session, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "LAST_BLOCK", 3)
    response = client.get(path_of(add_stored_file(session)), buffered=False)
    next(iter(response.response))
    response.close()
    assert not downloads(session)


class Connection:
    """A connection as gunicorn hands it to the application, and what arrives at its other end."""

    def __init__(self) -> None:
        self.server, self.client = socket.socketpair()
        self.arrived = b""
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self) -> None:
        while block := self.client.recv(65536):
            self.arrived += block

    def close(self) -> None:
        self.server.close()
        self.reader.join()
        self.client.close()


def test_all_but_the_last_block_goes_from_the_file_to_the_connection(
    session: Session, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "LAST_BLOCK", 3)
    path = path_of(add_stored_file(session))
    for asked, sent, last in ((None, b"0123456", b"789"), ("bytes=1-8", b"12345", b"678")):
        connection = Connection()
        response = client.get(
            path,
            buffered=False,
            headers={"Range": asked} if asked else {},
            environ_overrides={"gunicorn.socket": connection.server},
        )
        assert [block for block in response.response if block] == [last]
        response.close()
        connection.close()
        assert connection.arrived == sent
    assert len(downloads(session)) == 1


def test_a_connection_of_another_protocol_is_left_alone(
    session: Session, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "LAST_BLOCK", 3)
    connection = Connection()
    response = client.get(
        path_of(add_stored_file(session)),
        environ_overrides={"gunicorn.socket": connection.server, "SERVER_PROTOCOL": "HTTP/2.0"},
    )
    assert response.data == b"0123456789"
    connection.close()
    assert connection.arrived == b""


def test_a_connection_that_breaks_ends_the_answer_without_a_record(
    session: Session, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "LAST_BLOCK", 3)
    server, other = socket.socketpair()
    other.close()
    with server:
        response = client.get(
            path_of(add_stored_file(session)),
            buffered=False,
            environ_overrides={"gunicorn.socket": server},
        )
        with pytest.raises(BrokenPipeError):
            list(response.response)
        response.close()
    assert not downloads(session)


def test_a_file_that_shrank_ends_the_answer_without_a_record(
    session: Session, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "LAST_BLOCK", 3)
    file = add_stored_file(session)
    connection = Connection()
    response = client.get(
        path_of(file), buffered=False, environ_overrides={"gunicorn.socket": connection.server}
    )
    assert file.storage_key is not None
    os.truncate(current_settings().data / "files" / file.storage_key, 5)
    with pytest.raises(MissingBytesError):
        list(response.response)
    response.close()
    connection.close()
    assert not downloads(session)


def test_a_recorder_that_fails_does_not_disturb_the_download(
    session: Session, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise OSError("no such device")

    monkeypatch.setattr(current_recorder()._writer, "append", fail)
    response = get(client, path_of(add_stored_file(session)))
    assert (response.status_code, response.data) == (200, b"0123456789")


def test_the_address_behind_a_trusted_proxy_is_the_clients(
    app: Flask, session: Session, client: FlaskClient
) -> None:
    proxies.init_app(app, 1)
    path = path_of(add_stored_file(session))
    get(client, path, X_Forwarded_For="203.0.113.9, 192.0.2.5")
    (row,) = downloads(session)
    assert row.ip_address == "192.0.2.5"
