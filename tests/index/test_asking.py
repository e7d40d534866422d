"""PostgreSQL is asked for stamps without being waited for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from tests.helpers.loops import HandLoop
from tests.helpers.packages import add_demo, add_file, add_package, add_release

from packslip.db import db, write_transaction
from packslip.index import asking
from packslip.index.asking import StampAsker
from packslip.index.finishing import current_answers
from packslip.packages.stamps import ALL_PACKAGES, stamp_of
from packslip.web.at_once import Later

PAGE = b"GET /simple/demo/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.fixture(autouse=True)
def demo(app_on_postgresql: Flask) -> None:
    with write_transaction(db.session()):
        add_demo(db.session())


@pytest.fixture
def loop() -> HandLoop:
    return HandLoop()


@pytest.fixture
def asker(loop: HandLoop, monkeypatch: pytest.MonkeyPatch) -> Iterator[StampAsker]:
    monkeypatch.setattr(asking, "_PAUSE", 0)
    asker = StampAsker(db.engine)
    asker.attach(loop)
    # It connects when it is first asked.
    assert not asker.look("demo", lambda stamp: None)
    yield asker
    asker.close()


def told(asker: StampAsker, loop: HandLoop, *packages: str) -> list[int | None]:
    """What the asker tells, asked for all of them together."""
    stamps: list[int | None] = []
    for package in packages:
        assert asker.look(package, stamps.append)
    asker.after_round()
    while len(stamps) < len(packages):
        loop.turn()
        asker.after_round()
    return stamps


def change(name: str) -> None:
    with write_transaction(db.session()):
        package = add_package(db.session(), name)
        add_file(db.session(), add_release(db.session(), package, "9.0"), f"{name}-9.0.tar.gz")


def stamp(name: str) -> int:
    db.session.rollback()
    return stamp_of(db.session(), name)


def test_stamps_are_those_of_the_moment(asker: StampAsker, loop: HandLoop) -> None:
    assert told(asker, loop, "demo", "unknown") == [stamp("demo"), 0]
    change("other")
    assert told(asker, loop, "other", "demo", "other") == [
        stamp("other"),
        stamp("demo"),
        stamp("other"),
    ]


def test_what_is_asked_meanwhile_is_asked_next(
    asker: StampAsker, loop: HandLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "MOST", 2)
    stamps: list[int | None] = []
    for _ in range(3):
        asker.look("demo", stamps.append)
    asker.after_round()
    change("other")
    asker.look("other", stamps.append)
    while len(stamps) < 4:
        loop.turn()
        asker.after_round()
    assert stamps == [stamp("demo")] * 3 + [stamp("other")]


def test_the_list_of_all_is_not_asked_for(asker: StampAsker) -> None:
    assert not asker.look(ALL_PACKAGES, lambda stamp: None)


def test_a_connection_that_forgets_what_was_prepared_will_do(
    asker: StampAsker, loop: HandLoop
) -> None:
    own = asker._connection
    assert own is not None
    own.execute("DEALLOCATE ALL")
    own.pgconn.nonblocking = 1
    assert told(asker, loop, "demo") == [stamp("demo")]
    assert told(asker, loop, "demo") == [stamp("demo")]


def test_a_connection_that_ends_is_replaced(asker: StampAsker, loop: HandLoop) -> None:
    own = asker._connection
    assert own is not None
    with db.engine.connect() as other:
        other.execute(
            text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": own.info.backend_pid}
        )
    assert told(asker, loop, "demo", "demo") == [None, None]
    assert not asker.look("demo", lambda stamp: None)
    assert told(asker, loop, "demo") == [stamp("demo")]


def test_a_server_that_does_not_answer_is_not_waited_for(
    asker: StampAsker, loop: HandLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "PATIENCE", -1)
    stamps: list[int | None] = []
    assert asker.look("demo", stamps.append)
    asker.after_round()
    asker.after_round()
    assert stamps == [None]


def test_a_page_is_answered_at_once_until_it_changes(
    app_on_postgresql: Flask, client_on_postgresql: FlaskClient, loop: HandLoop
) -> None:
    answers = current_answers()
    answers.attach(loop)

    def at_once() -> bytes | None:
        answer = loop.wait_for(answers, answers.answer(PAGE, "192.0.2.7"))
        return None if answer is None else answer[0].partition(b"\r\n\r\n")[2]

    page = client_on_postgresql.get("/simple/demo/").data
    assert at_once() is None, "there was no connection yet"
    assert isinstance(answers.answer(PAGE, "192.0.2.7"), Later)
    assert at_once() == page
    change("demo-more")
    assert at_once() == page
    with write_transaction(db.session()):
        db.session.execute(text("UPDATE releases SET yanked = true"))
    assert at_once() is None
    changed = client_on_postgresql.get("/simple/demo/").data
    assert changed != page
    assert at_once() == changed
    answers.close()


@pytest.fixture
def client_on_postgresql(app_on_postgresql: Flask) -> FlaskClient:
    return app_on_postgresql.test_client()
