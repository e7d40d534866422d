from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import text

from packslip.db import db
from packslip.mirror import sharing

NEVER = threading.Event()


def test_one_waits_for_the_other(app_on_postgresql: Flask) -> None:
    left, order = threading.Event(), list[str]()

    def come_second() -> None:
        with app_on_postgresql.app_context(), sharing.alone(7, NEVER):
            order.append("second, after the first" if left.is_set() else "second, beside it")

    with ThreadPoolExecutor() as pool:
        with sharing.alone(7, NEVER):
            second = pool.submit(come_second)
            with sharing.alone(8, NEVER):
                order.append("another file")
            left.set()
        second.result(20)
    assert order == ["another file", "second, after the first"]


def test_nobody_waits_for_long(app_on_postgresql: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "PATIENCE", 0.2)
    begun = []
    with sharing.alone(7, NEVER), sharing.alone(7, NEVER):
        begun.append("both")
    stopping = threading.Event()
    stopping.set()
    monkeypatch.setattr(sharing, "PATIENCE", 1000)
    with sharing.alone(7, NEVER), sharing.alone(7, stopping):
        begun.append("at once, as all stops")
    assert len(begun) == 2


def test_connections_are_left_for_others(app_on_postgresql: Flask) -> None:
    def nest(number: int) -> int:
        if number == 0:
            return db.engine.pool.checkedout()  # type: ignore[attr-defined]
        with sharing.alone(number, NEVER):
            return nest(number - 1)

    assert nest(sharing.MOST + 3) == sharing.MOST
    assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_a_connection_that_is_lost_harms_nothing(app_on_postgresql: Flask) -> None:
    with sharing.alone(7, NEVER):
        with db.engine.connect() as other:
            ended = text(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
            )
            assert other.execute(ended).scalars().all() == [True]
        with sharing.alone(7, NEVER):
            pass
    with sharing.alone(7, NEVER):
        pass
