"""Connections to PostgreSQL: a server that goes and comes back, or can only be read for a while."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from flask import Flask
from sqlalchemy import text
from tests.helpers.databases import migrate, own_postgres
from tests.helpers.packages import add_package
from tests.helpers.prepared import PASSWORD
from tests.helpers.server import serving

from packslip.connecting import engine_options
from packslip.db import db, write_transaction
from packslip.errors import UnavailableError


def test_a_running_server_goes_on_when_its_postgresql_does(
    tmp_path: Path, postgres_uri: str
) -> None:
    # The tests' common server is started first: other tests could not go on without it.
    with own_postgres() as primary:
        migrate(primary.get_uri(), tmp_path / "made")
        with (
            serving(tmp_path, workers=1, PACKSLIP_DATABASE_URL=primary.get_uri()) as server,
            httpx.Client(base_url=server.url) as client,
        ):
            server.create_user("root", PASSWORD, "--admin")
            assert client.get("/simple/demo/").status_code == 404
            for _ in range(2):
                primary.stop()
                away = client.get("/simple/demo/")
                assert (away.status_code, away.text) == (
                    503,
                    "The database cannot be reached at the moment.\n",
                )
                primary.start()
                found = [client.get("/simple/demo/").status_code for _ in range(5)]
                assert found == [404] * 5


def test_a_primary_that_became_a_replica_is_left(app_on_postgresql: Flask) -> None:
    session = db.session()
    name = session.scalar(text("SELECT current_database()"))

    def set_read_only(value: str) -> None:
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("SET default_transaction_read_only = off")
            connection.exec_driver_sql(
                f'ALTER DATABASE "{name}" SET default_transaction_read_only = {value}'
            )

    set_read_only("on")
    session.rollback()
    db.engine.dispose()
    with (
        pytest.raises(UnavailableError, match="can only be read"),
        write_transaction(session),
    ):
        add_package(session)
    set_read_only("off")
    # Without a new connection this one would refuse as well.
    with write_transaction(session):
        add_package(session)


def test_a_connection_that_the_server_ended_is_not_used(app_on_postgresql: Flask) -> None:
    session = db.session()
    pid = text("SELECT pg_backend_pid()")
    own = session.scalar(pid)
    with db.engine.connect() as other:
        session.rollback()
        other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": own})
        # It is the one that came back last, and is trusted unless its end is seen.
        assert session.scalar(pid) not in {own, other.scalar(pid)}


def test_what_the_address_says_of_connections_goes_first() -> None:
    url = "postgresql+psycopg://db.example.com/packslip?connect_timeout=2"
    options = engine_options(url, 5)
    assert "connect_timeout" not in options["connect_args"]
    # Prepared statements would be looked for on another connection behind PgBouncer.
    assert options["connect_args"]["prepare_threshold"] is None
    assert (options["pool_size"], options["max_overflow"]) == (5, 0)
