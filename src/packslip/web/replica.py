"""Pages for visitors, read from a replica of the database, which may be some moments behind.

Only those pages, and only for who says nothing of themselves: whoever has logged in or sends a
token may have changed something just now, and what they may do is never asked of a replica. Once a
request writes, it reads what it wrote.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from functools import partial
from typing import Any

import structlog
from flask import Flask, request
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from packslip import connecting, db
from packslip.settings import Settings
from packslip.web.cookies import is_any_sent

#: Seconds that the replica may be behind.
MOST_BEHIND = 30

#: Seconds between two looks at how far behind it is, or whether it is there again.
LOOK_EVERY = 5.0

#: Seconds for which it is waited for: the primary can answer as well.
_PATIENCE = 2

_EXTENSION = "packslip_replica"

#: It may have nothing to replay because nothing was written, or because nothing comes any more.
_BEHIND = text(
    "SELECT CASE WHEN NOT pg_is_in_recovery() THEN 0"
    " WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()"
    " AND EXISTS (SELECT FROM pg_stat_wal_receiver) THEN 0"
    " ELSE coalesce(extract(epoch FROM now() - pg_last_xact_replay_timestamp()), 0) END"
)

log = structlog.get_logger(__name__)


class Replica:
    """The replica, and whether it can be read from just now."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._lock = threading.Lock()
        self._is_near = False
        self._look_at = 0.0

    def is_near(self) -> bool:
        """Whether it is there and not too far behind, as found by the last look."""
        with self._lock:
            if time.monotonic() < self._look_at:
                return self._is_near
            # Others go by the last look meanwhile.
            self._look_at = time.monotonic() + LOOK_EVERY
        try:
            with self.engine.connect() as connection:
                behind = float(connection.execute(_BEHIND).scalar_one())
        except SQLAlchemyError as error:
            self.note_away(error)
            return False
        is_near = behind <= MOST_BEHIND
        if not is_near:
            log.warning("the replica of the database is far behind", seconds=round(behind))
        with self._lock:
            self._is_near = is_near
        return is_near

    def note_away(self, error: SQLAlchemyError) -> None:
        """Leave it alone until the next look."""
        told = str(getattr(error, "orig", None) or error)
        log.warning("the replica of the database cannot be reached", error=told)
        with self._lock:
            self._is_near = False
            self._look_at = time.monotonic() + LOOK_EVERY


def init_app(app: Flask, settings: Settings, blueprints: Collection[str]) -> None:
    """Have pages of these blueprints read from the replica, if there is one."""
    url = settings.database_replica_url
    if not url:
        return
    options: dict[str, Any] = connecting.engine_options(url, settings.database_connections)
    options["pool_timeout"] = _PATIENCE
    if "connect_timeout" in options["connect_args"]:
        options["connect_args"]["connect_timeout"] = _PATIENCE
    engine = create_engine(url, **options)
    connecting.prepare(engine)
    replica = app.extensions[_EXTENSION] = Replica(engine)
    app.before_request(partial(_choose, replica, frozenset(blueprints)))


def replica_of(app: Flask) -> Replica | None:
    """The replica that the application reads from, if there is one."""
    return app.extensions.get(_EXTENSION)


def _choose(replica: Replica, blueprints: Collection[str]) -> None:
    if request.blueprint not in blueprints or not _is_visit() or not replica.is_near():
        return
    session = db.session()
    session.rollback()
    db.read_from(session, replica.engine)
    try:
        session.connection()
    except SQLAlchemyError as error:
        session.rollback()
        db.read_from(session, None)
        replica.note_away(error)


def _is_visit() -> bool:
    """Whether somebody looks who says nothing of themselves, and can have changed nothing."""
    return (
        request.method in {"GET", "HEAD"}
        and "Authorization" not in request.headers
        and not is_any_sent()
    )
