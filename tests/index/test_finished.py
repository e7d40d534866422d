"""Finished answers are what the routes would say, to those who say nothing of themselves."""

from __future__ import annotations

import gzip
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.databases import SQLiteDatabases
from tests.helpers.notes import make_note
from tests.helpers.packages import add_demo, add_event, add_file, add_package, add_release
from tests.helpers.stored import add_stored_file, path_of

from packslip.db import db, write_transaction
from packslip.downloads.drain import drain
from packslip.downloads.models import Download
from packslip.index import finished
from packslip.index.finishing import current_answers
from packslip.packages.models import File, Package, Release
from packslip.setting_choices import Read
from packslip.web import context
from packslip.web.at_once import Later

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"
PATHS = ("/simple/demo/", "/simple/")
ADDRESS = "192.0.2.7"

#: What each answer has of its own, or has from the server.
OWN = {"Server", "Date", "Connection", "X-Request-ID"}

Told = tuple[int, dict[str, str], bytes]


@pytest.fixture
def database_url(sqlite_databases: SQLiteDatabases, tmp_path: Path) -> str:
    """A database that answers without being waited for."""
    return sqlite_databases.create(tmp_path)


@pytest.fixture(autouse=True)
def closed_answers(app: Flask) -> Iterator[None]:
    yield
    current_answers().close()


@pytest.fixture
def demo(session: Session) -> Package:
    package = add_demo(session)
    release = add_release(session, package, "3.0")
    for number in range(20):
        add_file(session, release, f"demo-3.0-{number}-py3-none-any.whl")
    return package


def at_once(path: str, method: str = "GET", **headers: str) -> Told | None:
    """What is answered without a thread."""
    answer = current_answers().answer(request(path, method, **headers), ADDRESS)
    assert not isinstance(answer, Later)
    if answer is None:
        return None
    head, _, body = answer[0].partition(b"\r\n\r\n")
    line, *lines = head.decode().split("\r\n")
    told = dict(line.split(": ", 1) for line in lines)
    assert len(told) == len(lines)
    assert told.keys() >= OWN
    return int(line.split()[1]), {key: told[key] for key in told.keys() - OWN}, body


def request(path: str, method: str = "GET", **headers: str) -> bytes:
    named = {"Host": "127.0.0.1"} | {name.replace("_", "-"): headers[name] for name in headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode()


def ordinary(client: FlaskClient, path: str, **headers: str) -> Told:
    response = client.get(path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    told = {key: value for key, value in response.headers.items() if key not in OWN}
    return response.status_code, told, response.data


@pytest.mark.parametrize("accept", [JSON, HTML, "text/html", "*/*"])
@pytest.mark.parametrize("coding", ["", "gzip, deflate", "gzip;q=0, br", "identity"])
@pytest.mark.parametrize("path", PATHS)
def test_it_is_the_ordinary_answer(
    client: FlaskClient, demo: Package, path: str, accept: str, coding: str
) -> None:
    headers = {"Accept": accept} | ({"Accept_Encoding": coding} if coding else {})
    assert at_once(path, **headers) is None
    told = ordinary(client, path, **headers)
    assert told[0] == 200
    assert at_once(path, **headers) == told
    revalidated = headers | {"If_None_Match": told[1]["ETag"]}
    unchanged = ordinary(client, path, **revalidated)
    assert unchanged[0] == 304
    assert at_once(path, **revalidated) == unchanged
    assert at_once(path, **headers, If_None_Match='"other"') == told


def test_a_page_is_compressed_for_those_who_can_read_it(client: FlaskClient, demo: Package) -> None:
    plain = ordinary(client, "/simple/demo/", Accept=JSON)
    packed = ordinary(client, "/simple/demo/", Accept=JSON, Accept_Encoding="gzip")
    assert packed[1]["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed[2]) == plain[2]
    assert len(packed[2]) < len(plain[2]) / 3
    # They are two representations (RFC 9110, 8.8.3).
    assert packed[1]["ETag"] != plain[1]["ETag"]


def test_it_is_finished_by_a_client_that_has_the_page_already(
    client: FlaskClient, demo: Package
) -> None:
    told = ordinary(client, "/simple/demo/", Accept=JSON)
    current_answers().close()
    assert ordinary(client, "/simple/demo/", Accept=JSON, If_None_Match=told[1]["ETag"])[0] == 304
    assert at_once("/simple/demo/", Accept=JSON) == told


@pytest.mark.parametrize("path", PATHS)
def test_a_change_shows_in_the_very_next_answer(
    session: Session, client: FlaskClient, demo: Package, path: str
) -> None:
    before = ordinary(client, path, Accept=JSON)
    assert at_once(path, Accept=JSON) == before
    if path == "/simple/":
        add_demo_again(session)
    else:
        add_file(session, demo.releases[0], "demo-1.0.tar.gz")
    assert at_once(path, Accept=JSON) is None
    after = ordinary(client, path, Accept=JSON)
    assert after != before
    assert at_once(path, Accept=JSON) == after


def test_a_list_that_rests_on_what_is_held_of_mirrored_packages_is_not_kept(
    session: Session, client: FlaskClient, demo: Package
) -> None:
    add_package(session, "mirrored", origin="mirrored")
    ordinary(client, "/simple/", Accept=JSON)
    assert at_once("/simple/", Accept=JSON) is None


def add_demo_again(session: Session) -> None:
    package = add_package(session, "another", serial=4711)
    add_file(session, add_release(session, package), "another-1.0.tar.gz")
    add_event(session, package)


def test_what_has_an_end_is_not_sent_after_it(
    session: Session, client: FlaskClient, demo: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo.acts_until = datetime.now(UTC) + timedelta(hours=1)
    session.commit()
    told = ordinary(client, "/simple/demo/", Accept=JSON)
    assert at_once("/simple/demo/", Accept=JSON) == told
    now = time.time()
    monkeypatch.setattr(finished.time, "time", lambda: now + 3601)
    assert at_once("/simple/demo/", Accept=JSON) is None


def test_a_note_shows_at_once_and_a_private_one_to_nobody(
    session: Session, client: FlaskClient, demo: Package
) -> None:
    ada = make_user(session, "ada")
    with write_transaction(session):
        note = make_note(session, ada, "Do not use", package="demo", visibility="public")
    assert b"Do not use" in ordinary(client, "/simple/demo/", Accept=JSON)[2]
    told = at_once("/simple/demo/", Accept=JSON)
    assert told is not None
    assert b"Do not use" in told[2]
    note.visibility = "private"
    session.commit()
    assert at_once("/simple/demo/", Accept=JSON) is None
    assert b"Do not use" not in ordinary(client, "/simple/demo/", Accept=JSON)[2]


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Basic YTpi"},
        {"Cookie": "session=1"},
        {"Range": "bytes=0-1"},
        {"If_Match": '"1"'},
        {"If_Modified_Since": "Mon, 23 Nov 2026 12:00:00 GMT"},
        {"If_None_Match": 'W/"1", "2"'},
        {"Content_Length": "1"},
        {"Transfer_Encoding": "chunked"},
        {"Connection": "Upgrade"},
        {"Host": "a b"},
        {"Host": "["},
        {"Host": "a:b"},
    ],
)
def test_who_says_more_is_answered_by_the_routes(
    client: FlaskClient, demo: Package, headers: dict[str, str]
) -> None:
    ordinary(client, "/simple/demo/")
    assert at_once("/simple/demo/") is not None
    assert at_once("/simple/demo/", **headers) is None


@pytest.mark.parametrize(
    "received",
    [
        request("/simple/demo/", "HEAD"),
        request("/simple/demo/?format=json"),
        request("/simple/demo/")[:-2],
        request("/simple/demo/") * 2,
        request("/simple/demo/").replace(b"\r\n", b"\n"),
        request("/simple/demo/").replace(b"HTTP/1.1", b"HTTP/1.0"),
        request("/simple/demo/").replace(b"\r\n\r\n", b"\r\nHost: other\r\n\r\n"),
        request("/simple/demo/").replace(b"\r\n\r\n", b"\r\n folded\r\n\r\n"),
        request("/simple/demo/").replace(b"Host", b"Host "),
    ],
)
def test_what_is_no_plain_request_is_left_to_the_server(
    client: FlaskClient, demo: Package, received: bytes
) -> None:
    ordinary(client, "/simple/demo/")
    assert current_answers().answer(request("/simple/demo/"), ADDRESS) is not None
    assert current_answers().answer(received, ADDRESS) is None


def test_the_connection_ends_when_the_client_says_so(client: FlaskClient, demo: Package) -> None:
    ordinary(client, "/simple/demo/")
    for said, is_kept in (("close", False), ("Keep-Alive", True)):
        answer = current_answers().answer(request("/simple/demo/", Connection=said), ADDRESS)
        assert answer is not None
        assert answer[1] is is_kept
        assert f"\r\nConnection: {said.lower()}\r\n".encode() in answer[0]


def test_what_an_index_for_members_says_is_not_kept(
    app: Flask, client: FlaskClient, demo: Package
) -> None:
    ordinary(client, "/simple/demo/")
    assert at_once("/simple/demo/") is not None
    current_answers().close()
    settings = replace(context.current_settings(), read=Read.MEMBERS)
    context.attach(app, settings, context.current_storage())
    assert ordinary(client, "/simple/demo/")[0] == 401
    assert at_once("/simple/demo/") is None


def test_nobody_waits_for_a_database_that_somebody_has_for_themselves(
    app: Flask, client: FlaskClient, demo: Package
) -> None:
    told = ordinary(client, "/simple/demo/")
    assert at_once("/simple/demo/") == told
    db.session.remove()
    db.engine.dispose()
    current_answers().close()
    with sqlite3.connect(str(db.engine.url.database), isolation_level=None) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        assert at_once("/simple/demo/") is None
        assert time.monotonic() - began < 1
        other.rollback()
    other.close()


def test_what_was_not_asked_for_the_longest_makes_room(
    client: FlaskClient, demo: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = len(ordinary(client, "/simple/demo/", Accept=JSON)[2])
    current_answers().close()
    monkeypatch.setattr(finished, "ROOM", 4 * size)
    accepts = [f"{JSON};q=0.{number}" for number in range(1, 9)]
    for accept in accepts:
        ordinary(client, "/simple/demo/", Accept=accept)
        assert at_once("/simple/demo/", Accept=accepts[0]) is not None
    held = [accept for accept in accepts if at_once("/simple/demo/", Accept=accept)]
    assert accepts[0] in held
    assert accepts[-1] in held
    assert len(held) == 4


@pytest.fixture
def small(session: Session, demo: Package) -> str:
    """The address of a small file whose bytes are held."""
    file = add_stored_file(
        session, b"small", "demo-4.0-py3-none-any.whl", metadata=b"Metadata-Version: 2.1"
    )
    return path_of(file)


def release_of(session: Session, path: str) -> Release:
    filename = path.rpartition("/")[2]
    return session.scalars(select(File).where(File.filename == filename)).one().release


def downloads(app: Flask, session: Session) -> list[Download]:
    drain(session, context.current_settings().downloads_folder)
    return list(session.scalars(select(Download).order_by(Download.id)))


@pytest.mark.parametrize("suffix", ["", ".metadata"])
def test_a_small_file_is_the_ordinary_answer(client: FlaskClient, small: str, suffix: str) -> None:
    path = small + suffix
    assert at_once(path) is None
    told = ordinary(client, path)
    assert told[0] == 200
    assert at_once(path) == told
    unchanged = ordinary(client, path, If_None_Match=told[1]["ETag"])
    assert unchanged[0] == 304
    assert at_once(path, If_None_Match=told[1]["ETag"]) == unchanged


def test_each_download_is_recorded(
    app: Flask, session: Session, client: FlaskClient, small: str
) -> None:
    etag = ordinary(client, small, User_Agent="pip/26.0")[1]["ETag"]
    for agent in ("uv/0.9", "pip/26.0"):
        assert at_once(small, User_Agent=agent) is not None
    # Who has it already, and who asks for the metadata alone, downloads nothing.
    assert at_once(small, If_None_Match=etag) is not None
    ordinary(client, f"{small}.metadata")
    assert at_once(f"{small}.metadata") is not None
    found = [(row.user_agent, row.ip_address) for row in downloads(app, session)]
    assert found == [("pip/26.0", "127.0.0.1"), ("uv/0.9", ADDRESS), ("pip/26.0", ADDRESS)]


def test_a_file_that_is_held_is_not_sent(
    session: Session, client: FlaskClient, demo: Package, small: str
) -> None:
    ordinary(client, small)
    assert at_once(small) is not None
    release_of(session, small).held_reason = "On hold by ada: Broken (note 1)"
    session.commit()
    assert at_once(small) is None
    assert ordinary(client, small)[0] == 403
    assert at_once(small) is None
