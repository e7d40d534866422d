"""The migration that divides `downloads` on PostgreSQL: no row is lost, also if it was cut off."""

from __future__ import annotations

from pathlib import Path

import psycopg
from tests.helpers.databases import PostgresDatabases
from tests.migrations.test_commands import flask_db

ROW = (
    "INSERT INTO downloads (package_id, release_id, file, user_agent, created_at)"
    " VALUES ('demo', 1, 'x', '', %s) RETURNING id"
)


def test_what_was_there_becomes_a_part(
    postgres_databases: PostgresDatabases, tmp_path: Path
) -> None:
    url = postgres_databases.create()
    flask_db(tmp_path, url, "downgrade", "0019")
    with psycopg.connect(url, autocommit=True) as connection:
        before = [
            connection.execute(ROW, [moment]).fetchone()
            for moment in ("2019-12-31 23:59+00", "2026-02-01 00:00+00", "now")
        ]
        # As a migration leaves it that was cut off in the middle.
        connection.execute(
            "ALTER TABLE downloads ADD CONSTRAINT downloads_before_bound"
            " CHECK (created_at < '2100-01-01') NOT VALID"
        )
        connection.execute("CREATE UNIQUE INDEX downloads_before_key ON downloads (id, created_at)")
    flask_db(tmp_path, url, "upgrade", "--no-backup")
    with psycopg.connect(url, autocommit=True) as connection:
        after = [connection.execute(ROW, [m]).fetchone() for m in ("now", "2090-01-01 00:00+00")]
        found = connection.execute("SELECT id FROM downloads ORDER BY id").fetchall()
        assert found == before + after
        parts = "SELECT DISTINCT tableoid::regclass::text FROM downloads ORDER BY 1"
        names = [name for (name,) in connection.execute(parts)]
        assert len(names) == 2
        assert names[0].startswith("downloads_before_2")
        assert names[1] == "downloads_default"
    postgres_databases.drop(url)
