"""Files, whole and in parts."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from tests.helpers.accounts import basic, make_token, make_user
from tests.helpers.fetching import downloads, get
from tests.helpers.stored import add_stored_file, path_of

from packslip.setting_choices import Read
from packslip.storage.protocol import metadata_key
from packslip.web import context, stored
from packslip.web.context import current_settings, current_storage


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
    assert response.headers["Content-Disposition"] == "attachment"
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
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
