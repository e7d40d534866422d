"""Asking PostgreSQL for stamps without waiting for it.

A question goes out when all that has come was seen to, with whatever was asked until then, and the
next one when it is answered. So the more there is to do, the less each question costs; and each is
put after the request that it is for has come, so that no change that was acknowledged is missed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from packslip.packages.stamps import ALL_PACKAGES, STAMPS_OF_MANY
from packslip.web.at_once import Loop

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.pq.abc import PGconn, PGresult

#: Is given the stamp; None if it could not be read without waiting.
OnStamp = Callable[[int | None], None]

#: Packages in one question.
MOST = 256

#: Seconds after which nobody waits for an answer any more.
PATIENCE = 1.0

#: Seconds until the next try to connect.
_PAUSE = 2.0

_NAME = b"packslip_stamps"
_STATEMENT = STAMPS_OF_MANY.encode()

log = structlog.get_logger()


class StampAsker:
    """Asks over a connection of its own. One thread uses it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._loop: Loop | None = None
        self._connection: Connection | None = None
        #: Its number is kept: a connection that was lost does not tell it any more.
        self._socket = -1
        self._is_connecting = False
        self._next_try = 0.0
        #: PgBouncer may give each statement another connection, on which nothing was prepared.
        self._is_prepared = True
        self._waiting: list[tuple[str, OnStamp]] = []
        self._asked: list[tuple[str, OnStamp]] = []
        self._deadline = 0.0

    def attach(self, loop: Loop) -> None:
        """Wait in that loop; without one nothing can be asked."""
        self._loop = loop

    def look(self, package_id: str, then: OnStamp) -> bool:
        """Ask for a stamp; False if there is no connection now."""
        if package_id == ALL_PACKAGES:
            return False
        if self._connection is None:
            self._connect()
            return False
        self._waiting.append((package_id, then))
        return True

    def after_round(self) -> None:
        """Put the next question, unless the last one is not answered yet."""
        if self._asked:
            if time.monotonic() > self._deadline:
                self._lose("PostgreSQL did not answer in time")
        elif self._waiting:
            self._asked, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            self._deadline = time.monotonic() + PATIENCE
            self._guarded(self._ask)

    def close(self) -> None:
        """End the connection; who waits for an answer is told that there is none."""
        self._drop()

    def _connect(self) -> None:
        now = time.monotonic()
        if self._loop is None or self._is_connecting or now < self._next_try:
            return
        self._is_connecting, self._next_try = True, now + _PAUSE
        self._loop.in_thread(self._open, self._take)

    def _open(self) -> Connection | None:
        import psycopg  # noqa: PLC0415 - there is none beside SQLite

        try:
            pooled = self._engine.raw_connection()
            connection = cast("Connection", pooled.dbapi_connection)
            pooled.detach()
            connection.autocommit = True
            if self._is_prepared:
                prepared = connection.pgconn.prepare(_NAME, _STATEMENT)
                self._is_prepared = not prepared.error_message
            connection.pgconn.nonblocking = 1
        except (psycopg.Error, SQLAlchemyError) as error:
            log.warning("stamps cannot be asked for", error=type(error).__name__)
            return None
        return connection

    def _take(self, connection: Connection | None) -> None:
        self._is_connecting = False
        if connection is not None and self._loop is not None:
            self._connection, self._socket = connection, connection.pgconn.socket
            self._loop.watch(self._socket, self._read)

    def _ask(self, connection: PGconn) -> None:
        asked = ",".join({f'"{package_id}"' for package_id, _ in self._asked})
        parameters = [f"{{{asked}}}".encode()]
        if self._is_prepared:
            connection.send_query_prepared(_NAME, parameters)
        else:
            connection.send_query_params(_STATEMENT, parameters)
        connection.flush()

    def _read(self) -> None:
        self._guarded(self._receive)

    def _receive(self, connection: PGconn) -> None:
        connection.consume_input()
        if connection.is_busy():
            return
        result = connection.get_result()
        if result is None:
            return
        while connection.get_result() is not None:
            pass
        stamps = _stamps(result)
        if stamps:
            asked, self._asked = self._asked, []
            for package_id, then in asked:
                then(stamps[package_id])
        elif self._is_prepared and result.error_message:
            self._is_prepared = False
            self._ask(connection)
        else:
            self._lose("PostgreSQL does not tell stamps")

    def _guarded(self, work: Callable[[PGconn], None]) -> None:
        import psycopg  # noqa: PLC0415 - there is none beside SQLite

        if self._connection is None:
            return
        try:
            work(self._connection.pgconn)
        except psycopg.Error as error:
            self._lose(type(error).__name__)

    def _lose(self, why: str) -> None:
        log.warning("stamps cannot be asked for", error=why)
        self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        self._next_try = time.monotonic() + _PAUSE
        if connection is not None:
            if self._loop is not None:
                self._loop.forget(self._socket)
            connection.close()
        left, self._asked, self._waiting = [*self._asked, *self._waiting], [], []
        for _, then in left:
            then(None)


def _stamps(result: PGresult) -> dict[str, int]:
    """The stamps that were told, by package; none if there was an error."""
    return {
        (result.get_value(row, 0) or b"").decode(): int(result.get_value(row, 1) or 0)
        for row in range(result.ntuples)
    }
