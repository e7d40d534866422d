"""Running several things at the same moment, each in a thread with a session of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Flask
from sqlalchemy.orm import Session

from packslip.db import db, write_transaction


def at_once(app: Flask, *changes: Callable[[Session], Any]) -> list[Any]:
    """What the changes gave, or the errors they raised; each is a write transaction."""
    barrier = threading.Barrier(len(changes))

    def run(change: Callable[[Session], Any]) -> Any:
        with app.app_context():
            try:
                barrier.wait()
                with write_transaction(db.session()) as session:
                    return change(session)
            except Exception as error:
                return error
            finally:
                db.session.remove()

    with ThreadPoolExecutor(len(changes)) as pool:
        return list(pool.map(run, changes))
