from __future__ import annotations

import os
import socket
import threading
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import basic, make_token, make_user
from tests.helpers.stored import add_stored_file, path_of
from werkzeug.test import TestResponse

from packslip.app import _trust_proxies
from packslip.downloads.drain import drain
from packslip.downloads.models import Download
from packslip.downloads.recorder import current_recorder
from packslip.settings import Read
from packslip.storage.protocol import MissingBytesError, metadata_key
from packslip.web import context, stored
from packslip.web.context import current_settings, current_storage


def get(client: FlaskClient, path: str, **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get(path, headers=named)


def downloads(session: Session) -> list[Download]:
    current_recorder().close()
    drain(session, current_settings().downloads_folder)
    return list(session.scalars(select(Download).order_by(Download.id)))


def test_a_file_is_served_with_what_clients_and_caches_need(
    session: Session, client: FlaskClient
) -> None:
    file = add_stored_file(session)
    response = get(client, path_of(file))
    assert response.status_code == 200
    assert response.data == b"0123456789"
    assert response.headers["Content-Length"] == "10"
    assert response.headers["ETag"] == f'"{sha256(b"0123456789").hexdigest()}"'
    assert response.headers["Last-Modified"] == "Mon, 06 May 2024 07:08:09 GMT"
    assert response.headers["Accept-Ranges"] == "bytes"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.cache_control.public
    assert response.cache_control.immutable
    assert response.cache_control.max_age == 31536000
    assert "Content-Encoding" not in response.headers
    assert "Vary" not in response.headers


def test_a_source_distribution_is_not_said_to_be_encoded(
    session: Session, client: FlaskClient
) -> None:
    response = get(client, path_of(add_stored_file(session, filename="demo-1.0.tar.gz")))
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert "Content-Encoding" not in response.headers


def close_to_the_public(app: Flask) -> None:
    settings = replace(current_settings(), read=Read.MEMBERS)
    context.attach(app, settings, current_storage())


@pytest.mark.parametrize("suffix", ["", ".metadata"])
def test_only_private_caches_keep_what_members_alone_may_read(
    app: Flask, session: Session, client: FlaskClient, suffix: str
) -> None:
    close_to_the_public(app)
    path = path_of(add_stored_file(session, metadata=b"Name: demo\n")) + suffix
    _, secret = make_token(session, make_user(session))
    response = get(client, path, Authorization=basic("__token__", secret))
    assert response.status_code == 200
    assert response.cache_control.private
    assert not response.cache_control.public
    assert response.headers["Vary"] == "Authorization"


@pytest.mark.parametrize("suffix", ["", ".metadata"])
def test_files_for_members_need_credentials(
    app: Flask, session: Session, client: FlaskClient, suffix: str
) -> None:
    close_to_the_public(app)
    path = path_of(add_stored_file(session, metadata=b"Name: demo\n")) + suffix
    user = make_user(session)
    _, other = make_token(session, user, packages=["other"])
    response = get(client, path)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Basic")
    assert get(client, f"{path}x").status_code == 401
    assert get(client, path, Authorization=basic("__token__", "wrong")).status_code == 403
    assert get(client, path, Authorization=basic("__token__", other)).status_code == 403
    assert not downloads(session)


def test_wrong_credentials_do_not_matter_on_a_public_index(
    session: Session, client: FlaskClient
) -> None:
    path = path_of(add_stored_file(session))
    assert get(client, path, Authorization=basic("__token__", "wrong")).status_code == 200
    (row,) = downloads(session)
    assert (row.user_id, row.token_id) == (None, None)


def test_the_user_and_the_token_of_a_download_are_recorded(
    session: Session, client: FlaskClient
) -> None:
    path = path_of(add_stored_file(session))
    user = make_user(session)
    token, secret = make_token(session, user)
    expected = (user.id, token.id)
    get(client, path, Authorization=basic("__token__", secret))
    (row,) = downloads(session)
    assert (row.user_id, row.token_id) == expected


def test_head_is_get_without_its_body(session: Session, client: FlaskClient) -> None:
    path = path_of(add_stored_file(session))
    whole = get(client, path)
    head = client.head(path)
    assert head.status_code == 200
    assert head.data == b""
    ignored = {"Date", "X-Request-ID"}
    assert {k: v for k, v in head.headers.items() if k not in ignored} == {
        k: v for k, v in whole.headers.items() if k not in ignored
    }


def test_an_empty_file_is_served(session: Session, client: FlaskClient) -> None:
    response = get(client, path_of(add_stored_file(session, b"")))
    assert (response.status_code, response.data) == (200, b"")
    assert response.headers["Content-Length"] == "0"


def test_a_file_longer_than_a_block_is_served_whole(
    session: Session, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "LAST_BLOCK", 3)
    assert get(client, path_of(add_stored_file(session))).data == b"0123456789"


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=2-4", 2, 5),
        ("bytes=5-", 5, 10),
        ("bytes=0-", 0, 10),
        ("bytes=-3", 7, 10),
        ("bytes=-500", 0, 10),
        ("bytes=8-500", 8, 10),
        ("Bytes = 2 - 4", 2, 5),
    ],
)
@pytest.mark.parametrize("last_block", [64 * 1024, 2])
def test_a_single_range_is_served(
    session: Session,
    client: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
    asked: str,
    start: int,
    stop: int,
    last_block: int,
) -> None:
    monkeypatch.setattr(stored, "LAST_BLOCK", last_block)
    response = get(client, path_of(add_stored_file(session)), Range=asked)
    assert response.status_code == 206
    assert response.data == b"0123456789"[start:stop]
    assert response.headers["Content-Range"] == f"bytes {start}-{stop - 1}/10"
    assert response.headers["Content-Length"] == str(stop - start)


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=10-20", "bytes=99999999999999999999-"])
def test_a_range_behind_the_end_cannot_be_satisfied(
    session: Session, client: FlaskClient, asked: str
) -> None:
    response = get(client, path_of(add_stored_file(session)), Range=asked)
    assert response.status_code == 416
    assert response.headers["Content-Range"] == "bytes */10"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.data == b""


@pytest.mark.parametrize(
    "asked",
    ["bytes=0-1,3-4", "lines=0-1", "bytes", "bytes=", "bytes=x-y", "bytes=4-2", "bytes=--1", "-0"],
)
def test_ranges_that_are_several_unknown_or_malformed_are_ignored(
    session: Session, client: FlaskClient, asked: str
) -> None:
    response = get(client, path_of(add_stored_file(session)), Range=asked)
    assert (response.status_code, response.data) == (200, b"0123456789")


def test_head_takes_no_range(session: Session, client: FlaskClient) -> None:
    path = path_of(add_stored_file(session))
    response = client.head(path, headers={"Range": "bytes=0-1"})
    assert response.status_code == 200
    assert response.headers["Content-Length"] == "10"


def test_a_range_of_what_the_client_has_a_part_of_is_served(
    session: Session, client: FlaskClient
) -> None:
    file = add_stored_file(session)
    for condition in (f'"{file.sha256}"', "Mon, 06 May 2024 07:08:09 GMT"):
        response = get(client, path_of(file), Range="bytes=5-", If_Range=condition)
        assert (response.status_code, response.data) == (206, b"56789")


@pytest.mark.parametrize(
    "condition", ['"other"', "Mon, 06 May 2024 07:08:10 GMT", "nonsense", "", 'W/"{}"']
)
def test_a_range_of_something_else_gets_the_whole(
    session: Session, client: FlaskClient, condition: str
) -> None:
    file = add_stored_file(session)
    response = get(client, path_of(file), Range="bytes=5-", If_Range=condition.format(file.sha256))
    assert (response.status_code, response.data) == (200, b"0123456789")


@pytest.mark.parametrize(
    "headers",
    [
        {"If_None_Match": '"{}"'},
        {"If_None_Match": 'W/"{}"'},
        {"If_None_Match": '"other", "{}"'},
        {"If_None_Match": "*"},
        {"If_Modified_Since": "Mon, 06 May 2024 07:08:09 GMT"},
        {"If_None_Match": '"{}"', "Range": "bytes=0-1"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_client_that_has_it_is_told_so(
    session: Session, client: FlaskClient, headers: dict[str, str], method: str
) -> None:
    file = add_stored_file(session)
    named = {k.replace("_", "-"): v.format(file.sha256) for k, v in headers.items()}
    response = client.open(path_of(file), method=method, headers=named)
    assert (response.status_code, response.data) == (304, b"")
    assert response.headers["ETag"] == f'"{file.sha256}"'
    assert response.cache_control.immutable


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If_None_Match": '"other"'}, 200),
        ({"If_Modified_Since": "Mon, 06 May 2024 07:08:08 GMT"}, 200),
        (
            {
                "If_None_Match": '"other"',
                "If_Modified_Since": "Mon, 06 May 2024 07:08:09 GMT",
            },
            200,
        ),
        ({"If_Match": '"other"'}, 412),
        ({"If_Match": '"{}"'}, 200),
    ],
)
def test_other_preconditions_are_honoured(
    session: Session, client: FlaskClient, headers: dict[str, str], status: int
) -> None:
    file = add_stored_file(session)
    named = {name: value.format(file.sha256) for name, value in headers.items()}
    assert get(client, path_of(file), **named).status_code == status


def wrong_paths(path: str) -> list[str]:
    first, second, rest, name = path.removeprefix("/files/").split("/")
    return [
        f"/files/{second}/{first}/{rest}/{name}",
        f"/files/{first}/{second}/{rest.upper()}/{name}",
        f"/files/{first}{second}/{rest}/{name}",
        f"/files/{first}/{second}/{rest}/other.whl",
        f"/files/{first}/{second}/{rest}/{name}.asc",
        f"/files/{first}/{second}/{rest}/{name}.metadata",
        f"/files/{first}/{second}/{rest}/{name}%00",
        f"/files/{first}/{second}/{rest}/%ff",
        f"/files/{first}/{second}/{rest}/..%2f..%2f..%2f..%2fpackslip.db",
        f"/files/{first}/{second}/{rest}/{'x' * 5000}",
        f"/files/{first}/{second}/{rest}/",
        f"/files/{first}/{second}/{'%00' * 60}/{name}",
        f"/files/{first}/{second}/{rest}/.metadata",
        "/files/",
    ]


def test_every_other_address_is_not_found(session: Session, client: FlaskClient) -> None:
    path = path_of(add_stored_file(session))
    for wrong in wrong_paths(path):
        assert get(client, wrong).status_code == 404, wrong


def test_a_file_whose_bytes_are_not_held_is_not_found(
    session: Session, client: FlaskClient
) -> None:
    file = add_stored_file(session)
    file.storage_key = None
    session.commit()
    assert get(client, path_of(file)).status_code == 404


def test_lost_bytes_are_an_error_of_the_server_after_which_no_client_goes_elsewhere(
    session: Session, client: FlaskClient
) -> None:
    file = add_stored_file(session)
    assert file.storage_key is not None
    current_storage().delete(file.storage_key)
    response = get(client, path_of(file))
    assert response.status_code == 503
    assert response.headers["Cache-Control"] == "no-store"
    assert not downloads(session)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_files_can_only_be_read(session: Session, client: FlaskClient, method: str) -> None:
    path = path_of(add_stored_file(session))
    assert client.open(path, method=method).status_code == 405


def test_metadata_is_served_unchanged(session: Session, client: FlaskClient) -> None:
    metadata = b"Metadata-Version: 2.1\r\nName: demo\n\xff"
    path = f"{path_of(add_stored_file(session, metadata=metadata))}.metadata"
    response = get(client, path)
    assert (response.status_code, response.data) == (200, metadata)
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["ETag"] == f'"{sha256(metadata).hexdigest()}"'
    assert response.cache_control.immutable
    assert get(client, path, If_None_Match=response.headers["ETag"]).status_code == 304
    assert not downloads(session)


def test_metadata_stays_when_the_file_is_lost(session: Session, client: FlaskClient) -> None:
    file = add_stored_file(session, metadata=b"Name: demo\n")
    assert file.storage_key is not None
    current_storage().delete(file.storage_key)
    assert current_storage().exists(metadata_key(file.storage_key))
    assert get(client, f"{path_of(file)}.metadata").status_code == 200


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
    _trust_proxies(app, 1)
    path = path_of(add_stored_file(session))
    get(client, path, X_Forwarded_For="203.0.113.9, 192.0.2.5")
    (row,) = downloads(session)
    assert row.ip_address == "192.0.2.5"
