"""Versions on one database: many that start together, and an older one beside a newer schema."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, inspect, text
from tests.helpers.app import make_app
from tests.helpers.databases import PostgresDatabases, migrate
from tests.helpers.processes import own_environment
from tests.helpers.server import serving
from tests.migrations.test_commands import copied_migrations, flask_db, newest_revision

from packslip.app import MIGRATIONS
from packslip.upgrading import NewerSchemaError, upgrade_schema

FURTHER = '''
"""Add a column, and tell how long a table is waited for."""

import sqlalchemy as sa
from alembic import op

from packslip import schema_changes

revision = "9999"
down_revision = "{head}"
works_with = "{works_with}"


def upgrade() -> None:
    op.add_column("packages", sa.Column("colour", sa.Text(), nullable=True))
    schema_changes.create_index("ix_packages_colour", "packages", ["colour"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE TABLE told AS SELECT current_setting('lock_timeout') AS patience")


def downgrade() -> None:
    op.drop_index("ix_packages_colour", "packages")
    op.drop_column("packages", "colour")
'''

START = (
    "from packslip.app import create_app; from packslip.upgrading import upgrade_schema;"
    " app = create_app(); app.app_context().push(); upgrade_schema(); print('up to date')"
)


def engine_of(url: str) -> Engine:
    return create_engine(url.replace("postgresql://", "postgresql+psycopg://"))


def start_nodes(folder: Path, url: str) -> list[tuple[int, str]]:
    """Start three at once, each with a data folder of its own, as on machines of their own."""
    nodes = [
        subprocess.Popen(
            [sys.executable, "-c", START],
            env=own_environment(
                folder / f"home{number}",
                PACKSLIP_DATA=str(folder / f"data{number}"),
                PACKSLIP_DATABASE_URL=url,
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for number in range(3)
    ]
    told = [node.communicate(timeout=300)[0] for node in nodes]
    return [(node.returncode, text_) for node, text_ in zip(nodes, told, strict=True)]


@pytest.mark.parametrize("begin", ["empty", "one version back"])
def test_nodes_that_start_together_migrate_once(
    postgres_databases: PostgresDatabases, tmp_path: Path, begin: str
) -> None:
    url = postgres_databases.create(empty=begin == "empty")
    if begin != "empty":
        flask_db(tmp_path, url, "downgrade")
    for code, told in start_nodes(tmp_path, url):
        assert (code, told.splitlines()[-1]) == (0, "up to date"), told
    engine = engine_of(url)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT version_num FROM alembic_version")).all()
    engine.dispose()
    assert found == [(newest_revision(MIGRATIONS),)]
    postgres_databases.drop(url)


def migrate_further(folder: Path, url: str, works_with: str) -> None:
    """Bring the database to a schema that only the next version knows."""
    migrations = copied_migrations(folder)
    written = FURTHER.lstrip().format(head=newest_revision(migrations), works_with=works_with)
    (migrations / "versions" / "9999_further.py").write_text(written)
    flask_db(folder, url, "upgrade", "--directory", str(migrations))


def test_a_newer_schema_that_works_with_this_version_is_served(
    empty_database_url: str, tmp_path: Path
) -> None:
    migrate(empty_database_url, tmp_path)
    migrate_further(tmp_path, empty_database_url, newest_revision(MIGRATIONS))
    with serving(tmp_path, workers=1, PACKSLIP_DATABASE_URL=empty_database_url) as server:
        assert b'"migrations":"ok"' in server.get("/readyz")
        assert "the schema is newer" in server.log
    if empty_database_url.startswith("postgresql"):
        engine = engine_of(empty_database_url)
        with engine.connect() as connection:
            assert connection.execute(text("SELECT patience FROM told")).scalar() == "4s"
        engine.dispose()


def test_a_newer_schema_that_does_not_work_with_this_version_is_refused(
    empty_database_url: str, tmp_path: Path
) -> None:
    migrate(empty_database_url, tmp_path)
    migrate_further(tmp_path, empty_database_url, "9999")
    app = make_app(tmp_path, empty_database_url)
    with app.app_context(), pytest.raises(NewerSchemaError, match="Use a newer version"):
        upgrade_schema()
    assert app.test_client().get("/readyz").status_code == 503


def described(engine: Engine) -> dict[tuple[str, str], tuple[str, bool, bool]]:
    """Each column: its type, whether it may be empty, whether the database fills it in."""
    found = inspect(engine)
    return {
        (table, column["name"]): (
            str(column["type"]),
            bool(column["nullable"]),
            column["default"] is not None or bool(column.get("autoincrement") is True),
        )
        for table in found.get_table_names()
        for column in found.get_columns(table)
    }


def test_the_version_before_can_read_and_write_the_newest_schema(
    database_url: str, tmp_path: Path
) -> None:
    # It names the columns that it knows, in what it reads and in what it writes.
    engine = engine_of(database_url)
    newest = described(engine)
    flask_db(tmp_path, database_url, "downgrade")
    before = described(engine)
    engine.dispose()
    known = {table for table, _ in before}
    assert {key: newest.get(key, ("gone",))[0] for key in before} == {
        key: kind for key, (kind, *_) in before.items()
    }
    stricter = [key for key, (_, nullable, _) in before.items() if nullable and not newest[key][1]]
    assert stricter == []
    unfilled = [
        key
        for key, (_, nullable, filled) in newest.items()
        if key not in before and key[0] in known and not (nullable or filled)
    ]
    assert unfilled == []
