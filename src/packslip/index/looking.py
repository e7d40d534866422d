"""Looking at stamps without waiting: on SQLite at once, on PostgreSQL by asking."""

from __future__ import annotations

import sqlite3
from typing import Protocol

from sqlalchemy import Engine

from packslip.connecting import open_reader
from packslip.index.asking import OnStamp, StampAsker
from packslip.packages.stamps import look_at
from packslip.web.at_once import Loop


class Looker(Protocol):
    """Tells stamps. One thread uses it."""

    def attach(self, loop: Loop) -> None:
        """Wait in that loop, where there is something to be waited for."""

    def look(self, package_id: str, then: OnStamp) -> bool:
        """Tell the stamp of a package that is the latest now, or a later one: now, or later.

        False if it cannot be told; then `then` is not called.
        """

    def after_round(self) -> None:
        """See to what is left, after all that has come was seen to."""

    def close(self) -> None:
        """Let go of the database."""


def looker(engine: Engine) -> Looker:
    """Looks into the database of that engine."""
    return _SQLiteLooker(engine) if engine.dialect.name == "sqlite" else StampAsker(engine)


class _SQLiteLooker:
    """A statement on a held connection takes some ten microseconds."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader: sqlite3.Connection | None = None

    def attach(self, loop: Loop) -> None:
        pass

    def look(self, package_id: str, then: OnStamp) -> bool:
        try:
            if self._reader is None:
                self._reader = open_reader(self._engine)
            if self._reader is None:
                return False
            stamp = look_at(self._reader, package_id)
        except sqlite3.Error:
            # Somebody has the database for themselves. Others wait; who looks here must not.
            return False
        then(stamp)
        return True

    def after_round(self) -> None:
        pass

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None
