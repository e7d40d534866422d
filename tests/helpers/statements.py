"""What a request asks of the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import event

from packslip.db import db


def statements(client: FlaskClient, path: str) -> list[str]:
    """The statements that a GET of this path sends to the database."""
    with counted_statements() as found:
        # What an earlier request has read is forgotten.
        db.session.remove()
        assert client.get(path).status_code < 400
    return found


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    """The statements that the block sends to the database of the current application."""
    found: list[str] = []

    def note(*arguments: Any) -> None:
        found.append(arguments[2])

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
