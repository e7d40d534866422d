"""Indexes whose people log in through a provider."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.ctx import AppContext
from tests.helpers.app import make_app
from tests.helpers.databases import SQLiteDatabases
from tests.helpers.provider import Provider, providing
from tests.helpers.sso import ADA, Maker

from packslip.db import db

CONTEXTS: list[AppContext] = []


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with providing() as provider:
        yield provider


@pytest.fixture
def provider(running: Provider) -> Provider:
    running.person, running.lies, running.about = dict(ADA), {}, {}
    running.forge, running.broken = None, None
    return running


@pytest.fixture
def index(tmp_path: Path, sqlite_databases: SQLiteDatabases, provider: Provider) -> Maker:
    """Makes an index whose people log in through the provider."""

    def make(**settings: str) -> Flask:
        named = {f"PACKSLIP_SSO_{name.upper()}": value for name, value in settings.items()}
        url = sqlite_databases.create(tmp_path)
        app = make_app(tmp_path, url, **provider.settings(), **named)
        CONTEXTS.append(app.app_context())
        CONTEXTS[-1].push()
        return app

    return make


@pytest.fixture(autouse=True)
def no_context_stays() -> Iterator[None]:
    yield
    while CONTEXTS:
        db.session.remove()
        CONTEXTS.pop().pop()
