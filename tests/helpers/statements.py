"""What a request asks of the database."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import event

from packslip.db import db


def statements(client: FlaskClient, path: str) -> list[str]:
    """The statements that a GET of this path sends to the database."""
    found: list[str] = []

    def note(*arguments: Any) -> None:
        found.append(arguments[2])

    event.listen(db.engine, "before_cursor_execute", note)
    # What an earlier request has read is forgotten.
    db.session.remove()
    assert client.get(path).status_code < 400
    event.remove(db.engine, "before_cursor_execute", note)
    return found
