"""The schema is one: on both databases, and in the migrations and the models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from tests.helpers.databases import PostgresDatabases, SQLiteDatabases, migrate
from tests.helpers.schema import shape

from packslip.db import Base


@pytest.fixture
def sqlite(sqlite_databases: SQLiteDatabases, tmp_path: Path) -> Iterator[Engine]:
    engine = create_engine(sqlite_databases.create(tmp_path))
    yield engine
    engine.dispose()


@pytest.fixture
def postgresql(postgres_databases: PostgresDatabases) -> Iterator[Engine]:
    url = postgres_databases.create()
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    yield engine
    engine.dispose()
    postgres_databases.drop(url)


def test_both_databases_have_the_same_schema(sqlite: Engine, postgresql: Engine) -> None:
    assert shape(sqlite) == shape(postgresql)


def test_the_migrations_make_what_the_models_say(empty_database_url: str, tmp_path: Path) -> None:
    migrate(empty_database_url, tmp_path)
    engine = create_engine(empty_database_url.replace("postgresql://", "postgresql+psycopg://"))
    migrated = shape(engine)
    del migrated["alembic_version"]
    with engine.begin() as connection:
        # No model knows them, and they refer to tables of models.
        for table in ("search_words", "search_trigrams", "search_note_words"):
            connection.execute(text(f"DROP TABLE {table}"))
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    created = shape(engine)
    del created["alembic_version"]
    engine.dispose()
    assert migrated == created
