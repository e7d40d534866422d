"""Applications for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask, current_app
from sqlalchemy import Engine, event
from tests.helpers.templates import RememberedTemplates

from packslip import create_app
from packslip.accounts.setup import mark_set_up
from packslip.db import db
from packslip.web.replica import replica_of

_made: list[Flask] = []
_templates = RememberedTemplates()
_engines: dict[tuple[str, str], Engine] = {}


def close_apps() -> None:
    """Close the connections of all applications that were made for the test that ends."""
    while _made:
        with _made.pop().app_context():
            db.session.remove()
            db.engine.dispose()
            if replica := replica_of(current_app):
                replica.engine.dispose()


def make_app(folder: Path, database_url: str, *, set_up: bool = True, **settings: Any) -> Flask:
    """An application with its data in `folder`; settings are named as in the environment.

    It takes itself for set up, though nobody can log in; else the first set-up is still to come.
    """
    app = create_app(
        {
            "TESTING": True,
            "SECRET_KEY": "for tests",
            "PACKSLIP_DATA": folder,
            "PACKSLIP_DATABASE_URL": database_url,
            "PACKSLIP_BASE_URL": "http://packages.example.com",
            **settings,
        }
    )
    _share_statements(app)
    app.jinja_env.bytecode_cache = _templates
    if set_up:
        mark_set_up(app)
    _made.append(app)
    return app


def _share_statements(app: Flask) -> None:
    """Let the application find statements that those before it compiled.

    A dialect says for which database something was compiled, so equal ones have to be one.
    """
    with app.app_context():
        engine = db.engine
        kind = (engine.dialect.name, engine.dialect.driver)
        first = _engines.get(kind)
        if first is None:
            # A dialect learns from its first connection what the database can do, and some tests
            # have a database that cannot be reached.
            event.listen(engine, "connect", lambda *_: _engines.setdefault(kind, engine))
            return
        engine.dialect = first.dialect
        engine._compiled_cache = first._compiled_cache
