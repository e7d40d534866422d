"""When upstream is asked for a page, and what is told when it does not answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.orm import Session
from tests.helpers.app import make_app
from tests.helpers.packages import add_demo
from tests.helpers.statements import statements
from tests.helpers.upstream import ScriptedUpstream, answer, entry, scripted_upstream
from werkzeug.test import TestResponse

from packslip.db import db, write_transaction
from packslip.mirror import refreshing
from packslip.mirror.models import MirrorPage, MirrorUpstream

JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}
PATH = "/simple/demo/"


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    with scripted_upstream() as upstream:
        yield upstream


@pytest.fixture
def app(tmp_path: Path, database_url: str, upstream: ScriptedUpstream) -> Iterator[Flask]:
    app = make_app(
        tmp_path,
        database_url,
        PACKSLIP_UPSTREAM_URL=upstream.simple_url,
        PACKSLIP_RESERVED_NAMES="acme-*",
    )
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def get(app: Flask, path: str = PATH) -> TestResponse:
    return app.test_client().get(path, headers=JSON)


def names(answer: TestResponse) -> list[str]:
    return [file["filename"] for file in answer.get_json()["files"]]


def grow_old(session: Session) -> None:
    """Let everything that was learned be long ago, failures too."""
    past = datetime.now(UTC) - timedelta(hours=1)
    with write_transaction(session):
        session.execute(update(MirrorPage).values(checked_at=past, failed_at=None))
        session.execute(update(MirrorUpstream).values(broken_until=None, failures=0))


def test_a_page_is_asked_for_once_and_again_when_it_is_old(
    app: Flask, session: Session, upstream: ScriptedUpstream
) -> None:
    upstream.page("demo", entry("demo-1.0.tar.gz"), etag='"1"')
    for _ in range(3):
        found = get(app)
        assert names(found) == ["demo-1.0.tar.gz"]
        assert found.headers["X-Packslip-Upstream-Checked"]
        assert "Warning" not in found.headers
    assert upstream.paths() == [PATH]
    grow_old(session)
    upstream.forget()
    upstream.script(PATH, answer(status="304 Not Modified"))
    for _ in range(2):
        assert names(get(app)) == ["demo-1.0.tar.gz"]
    assert [request.headers["if-none-match"] for request in upstream.requests] == ['"1"']
    grow_old(session)
    upstream.page("demo", entry("demo-1.0.tar.gz"), entry("demo-1.1.tar.gz"))
    assert names(get(app)) == ["demo-1.0.tar.gz", "demo-1.1.tar.gz"]


def test_a_fresh_page_takes_as_many_statements_as_that_of_a_hosted_package(
    session: Session, client: FlaskClient, upstream: ScriptedUpstream
) -> None:
    upstream.page("demo", entry("demo-1.0.tar.gz"))
    add_demo(session, "hosted")
    session.commit()
    for path in (PATH, "/simple/hosted/"):
        client.get(path)
    assert len(statements(client, PATH)) == len(statements(client, "/simple/hosted/"))


def test_many_that_ask_at_once_ask_upstream_once(app: Flask, upstream: ScriptedUpstream) -> None:
    go_on = threading.Event()
    page = ScriptedUpstream()
    page.page("demo", entry("demo-1.0.tar.gz"))
    upstream.script(PATH, go_on, *page.steps(PATH))
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(get, app) for _ in range(8)]
        go_on.set()
        assert {tuple(names(one.result(20))) for one in waiting} == {("demo-1.0.tar.gz",)}
    assert upstream.paths() == [PATH]


def test_whoever_comes_while_it_is_asked_again_gets_what_is_known(
    app: Flask, session: Session, upstream: ScriptedUpstream
) -> None:
    upstream.page("demo", entry("demo-1.0.tar.gz"))
    get(app)
    grow_old(session)
    upstream.forget()
    go_on = threading.Event()
    upstream.script(PATH, go_on, answer(status="304 Not Modified"))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(get, app)
        upstream.wait_for(1)
        assert names(get(app)) == ["demo-1.0.tar.gz"]
        assert not first.done()
        go_on.set()
        assert first.result(20).status_code == 200


def test_without_an_answer_what_is_known_is_told_with_its_age(
    app: Flask, session: Session, upstream: ScriptedUpstream
) -> None:
    upstream.page("demo", entry("demo-1.0.tar.gz"))
    get(app)
    grow_old(session)
    upstream.forget()
    upstream.script(PATH, answer(status="500 Internal Server Error"))
    for _ in range(2):
        found = get(app)
        assert names(found) == ["demo-1.0.tar.gz"]
        assert found.headers["Warning"] == '111 - "Revalidation Failed"'
    assert len(upstream.requests) == 1


def test_without_an_answer_nobody_is_told_that_there_is_no_package(
    app: Flask, session: Session, upstream: ScriptedUpstream
) -> None:
    upstream.script(PATH, answer(b"hello", Content_Type="text/plain"))
    for _ in range(2):
        found = get(app)
        assert found.status_code == 502
        assert "instead of a page" in found.status
    assert len(upstream.requests) == 1
    grow_old(session)
    upstream.forget()
    assert get(app).status_code == 404
    grow_old(session)
    upstream.script(PATH, b"")
    assert get(app).status_code == 502


def test_a_dead_upstream_costs_those_who_come_after_the_first_nothing(
    app: Flask, upstream: ScriptedUpstream
) -> None:
    upstream.script(PATH, b"")
    assert get(app).status_code == 502
    asked = len(upstream.requests)
    found = get(app, "/simple/other/")
    assert (found.status_code, len(upstream.requests)) == (502, asked)
    assert "a moment ago" in found.status


def test_upstream_learns_nothing_of_hosted_and_reserved_names(
    app: Flask, session: Session, upstream: ScriptedUpstream
) -> None:
    add_demo(session)
    upstream.page("demo", entry("demo-9.tar.gz"))
    upstream.page("acme-tool", entry("acme_tool-1.0.tar.gz"))
    assert "demo-9.tar.gz" not in names(get(app))
    assert get(app, "/simple/acme-tool/").status_code == 404
    assert get(app, "/pypi/acme-tool/json").status_code == 404
    assert not upstream.requests


def test_a_page_that_somebody_died_with_is_asked_for_again(
    app: Flask, session: Session, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.page("demo", entry("demo-1.0.tar.gz"))
    monkeypatch.setattr(refreshing, "PATIENCE", 0.2)
    soon = datetime.now(UTC) + timedelta(seconds=60)
    with write_transaction(session):
        session.add(MirrorPage(package_id="demo", lease_until=soon))
    assert get(app).status_code == 504
    with write_transaction(session):
        session.execute(update(MirrorPage).values(lease_until=datetime.now(UTC)))
    monkeypatch.undo()
    assert names(get(app)) == ["demo-1.0.tar.gz"]


def test_only_not_found_lets_the_next_upstream_answer(
    tmp_path: Path, database_url: str, client: FlaskClient, upstream: ScriptedUpstream
) -> None:
    del client
    with scripted_upstream() as first:
        file = tmp_path / "upstreams.toml"
        file.write_text(f'[[upstream]]\nname = "first"\nurl = "{first.simple_url}"\n')
        app = make_app(
            tmp_path / "second",
            database_url,
            PACKSLIP_UPSTREAM_URL=upstream.simple_url,
            PACKSLIP_UPSTREAMS=str(file),
        )
        for name in ("demo", "both"):
            upstream.page(name, entry(f"{name}-1.0.tar.gz"))
        first.page("both", entry("both-2.0.tar.gz"))
        first.script("/simple/broken/", answer(status="500 Internal Server Error"))
        assert names(get(app)) == ["demo-1.0.tar.gz"]
        assert names(get(app, "/simple/both/")) == ["both-2.0.tar.gz"]
        assert get(app, "/simple/broken/").status_code == 502
        assert upstream.paths() == [PATH]


def test_the_page_of_a_package_that_only_upstream_has_is_shown(
    app: Flask, upstream: ScriptedUpstream
) -> None:
    upstream.page("demo", entry("demo-1.0-py3-none-any.whl"))
    found = get(app, "/project/demo/")
    assert "uv pip install" in found.text
    files = get(app, "/project/demo/files/").text
    assert f'href="/files/aa/aa/{"a" * 60}/demo-1.0-py3-none-any.whl"' in files
    assert "not held here" not in files
    assert get(app, "/project/other/").status_code == 404
    assert upstream.paths() == [PATH, "/simple/other/"]
