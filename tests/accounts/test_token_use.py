from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session
from tests.helpers.accounts import basic, make_token, make_user
from tests.helpers.app import make_app

from packslip.accounts.models import Token
from packslip.accounts.token_use import CHANGE_PRECISION, USE_PRECISION, note_use, tool_of
from packslip.connecting import BUSY_TIMEOUT
from packslip.db import db, write_transaction

TWINE = "twine/6.2.0 (importlib-metadata: 8.0)"


def use(session: Session, token: Token, address: str = "192.0.2.1", agent: str = TWINE) -> bool:
    """Use the token, and tell whether that was written down."""
    before = token.last_used_at
    with write_transaction(session):
        note_use(session, token, address, agent)
    return token.last_used_at != before


def make_older(session: Session, token: Token, by: timedelta) -> None:
    with write_transaction(session):
        assert token.last_used_at is not None
        token.last_used_at -= by


def test_the_first_use_is_written_down(session: Session) -> None:
    token, _ = make_token(session, make_user(session))
    assert use(session, token)
    assert (token.last_used_ip, token.last_used_with) == ("192.0.2.1", "twine/6.2.0")


def test_the_same_use_is_written_down_every_ten_minutes(session: Session) -> None:
    token, _ = make_token(session, make_user(session))
    use(session, token)
    make_older(session, token, USE_PRECISION - timedelta(seconds=30))
    assert not use(session, token)
    make_older(session, token, timedelta(seconds=30))
    assert use(session, token)


@pytest.mark.parametrize("change", [{"address": "192.0.2.2"}, {"agent": "uv/0.13.9 {}"}])
def test_another_use_is_written_down_every_minute(session: Session, change: dict[str, str]) -> None:
    token, _ = make_token(session, make_user(session))
    use(session, token)
    assert not use(session, token, **change)
    make_older(session, token, CHANGE_PRECISION)
    assert use(session, token, **change)


def test_whatever_a_client_says_can_be_kept(session: Session) -> None:
    token, _ = make_token(session, make_user(session))
    assert use(session, token, "fe80::1%" + "e" * 60, "a\0b" + "x" * 90 + "/1" + "2" * 90)
    assert token.last_used_with is not None
    assert token.last_used_with.startswith("abx")
    assert len(token.last_used_with) == 100


@pytest.mark.parametrize("agent", ["", "{}", " ( )"])
def test_a_client_that_says_nothing(agent: str) -> None:
    assert tool_of(agent) is None


@pytest.fixture(params=["public", "members"])
def index(request: pytest.FixtureRequest, tmp_path: Path, database_url: str) -> Iterator[Flask]:
    app = make_app(tmp_path, database_url, PACKSLIP_READ=request.param)
    with app.app_context():
        yield app


def read(app: Flask, secret: str) -> int:
    headers = {"Authorization": basic("__token__", secret), "User-Agent": "pip/26.3 {}"}
    return app.test_client().get("/simple/", headers=headers).status_code


def test_reading_is_a_use(index: Flask) -> None:
    token, secret = make_token(db.session(), make_user(db.session()), scope="read")
    assert read(index, secret) == 200
    db.session.rollback()
    assert token.last_used_at is not None
    assert (token.last_used_ip, token.last_used_with) == ("127.0.0.1", "pip/26.3")


@contextmanager
def held(token_id: int) -> Iterator[None]:
    """Somebody else is writing: anything on SQLite, this very token on PostgreSQL."""
    with db.engine.connect().execution_options(packslip_write=True) as connection:
        if connection.dialect.name == "sqlite":
            connection.begin()
        else:
            connection.execute(text(f"SELECT id FROM tokens WHERE id = {token_id} FOR UPDATE"))
        yield
        connection.rollback()


def test_a_read_does_not_wait_for_a_writer(index: Flask) -> None:
    token, secret = make_token(db.session(), make_user(db.session()), scope="read")
    begun = time.monotonic()
    with held(token.id):
        assert read(index, secret) == 200
    assert time.monotonic() - begun < BUSY_TIMEOUT / 2
    db.session.rollback()
    assert token.last_used_at is None
    # The same connection waits for others again when it writes in earnest.
    if db.engine.dialect.name == "sqlite":
        with db.engine.connect() as connection:
            timeout = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
        assert timeout == BUSY_TIMEOUT * 1000
    assert read(index, secret) == 200
    db.session.rollback()
    assert token.last_used_at is not None
