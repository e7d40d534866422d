"""Databases without a schema."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.helpers.databases import PostgresDatabases


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'packslip.db'}"
    else:
        servers: PostgresDatabases = request.getfixturevalue("postgres_databases")
        url = servers.create(empty=True)
        yield url
        servers.drop(url)
