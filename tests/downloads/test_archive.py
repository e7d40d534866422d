"""Single downloads as Parquet, and the programs that read them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import duckdb
import pytest
from pyarrow import parquet
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.app import make_app
from tests.helpers.clock import today
from tests.helpers.databases import SQLiteDatabases
from tests.helpers.documented import ROOT
from tests.helpers.downloads import add_downloads
from tests.helpers.objects import new_bucket
from tests.helpers.packages import add_demo

from packslip.db import db
from packslip.downloads import archive
from packslip.downloads.archive import archive_days, first_day_left, key_of
from packslip.downloads.models import Download, DownloadPart
from packslip.downloads.statistics import Period, index_statistics, package_statistics
from packslip.downloads.upkeep import see_to_downloads
from packslip.storage.factory import open_storage
from packslip.storage.local import LocalStorage


def old() -> date:
    return today() - timedelta(days=100)


def later() -> date:
    return today() - timedelta(days=2)


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "archive")


def add_on(session: Session, *days: date, **values: object) -> None:
    at = ({"created_at": datetime.combine(day, time(12), UTC)} for day in days)
    add_downloads(session, *(one | values for one in at))
    session.commit()


def run(session: Session, storage: LocalStorage) -> dict[date, int]:
    return dict(archive_days(session, storage, today()))


def read(storage: LocalStorage, day: date, part: int = 0) -> list[dict[str, object]]:
    with storage.open(key_of(day, part)) as stored:
        assert stored.local_file is not None
        return list(parquet.read_table(stored.local_file, partitioning=None).to_pylist())


def test_days_that_are_over_are_written_once(
    session: Session, storage: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "BATCH", 2)
    release = add_demo(session).releases[0]
    add_on(session, old(), old(), old(), later(), today(), release_id=release.id, installer="pip")
    assert run(session, storage) == {old(): 3, later(): 1}
    assert run(session, storage) == {}
    rows = read(storage, old())
    assert len(rows) == 3
    assert rows[0]["at"] == datetime.combine(old(), time(12), UTC)
    assert (rows[0]["version"], rows[0]["installer"]) == (release.version, "pip")
    # Nobody can be told from it.
    assert not rows[0].keys() & {"ip_address", "user_agent", "user_id", "token_id"}


def test_what_comes_late_is_another_part_of_its_day(
    session: Session, storage: LocalStorage
) -> None:
    add_on(session, old(), old())
    run(session, storage)
    add_on(session, old())
    assert first_day_left(session, today()) == old()
    assert run(session, storage) == {old(): 1}
    assert (len(read(storage, old())), len(read(storage, old(), 1))) == (2, 1)
    assert first_day_left(session, today()) == today()


def test_a_part_whose_row_was_not_committed_is_written_again(
    session: Session, storage: LocalStorage
) -> None:
    storage.put_bytes(key_of(old(), 0), b"cut off")
    add_on(session, old())
    run(session, storage)
    assert len(read(storage, old())) == 1


def test_nothing_is_forgotten_that_is_not_archived(
    session: Session, storage: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("packslip.downloads.upkeep.archive_days", lambda *_: iter(()))
    add_on(session, old(), old())
    see_to_downloads(session, today(), 60, storage)
    assert len(session.scalars(select(Download)).all()) == 2


def test_statistics_stay_the_same_once_days_are_archived_and_forgotten(
    session: Session, storage: LocalStorage
) -> None:
    add_demo(session)
    add_on(session, *[old()] * 5, later(), today(), package_id="demo")

    def shown() -> tuple[object, object]:
        session.rollback()
        return (
            index_statistics(session, Period(365)),
            package_statistics(session, "demo", Period(365)),
        )

    before = shown()
    see_to_downloads(session, today(), 60, storage)
    assert len(session.scalars(select(Download)).all()) == 2
    assert session.scalars(select(DownloadPart.downloads)).all() == [5, 1]
    assert shown() == before


def test_a_bucket_takes_it(session: Session, tmp_path: Path) -> None:
    storage = open_storage(new_bucket(), staging=tmp_path / "staging")
    add_on(session, old())
    assert dict(archive_days(session, storage, today())) == {old(): 1}
    kept = storage.keys()
    assert [one.key for one in kept] == [key_of(old(), 0)]


def queries() -> list[str]:
    """What the documentation asks DuckDB and ClickHouse."""
    text = (ROOT / "docs" / "downloads.md").read_text()
    return re.findall(r"```sql\n(.*?)```", text, re.DOTALL)


def test_duckdb_and_clickhouse_answer_what_the_documentation_asks(
    sqlite_databases: SQLiteDatabases, tmp_path: Path
) -> None:
    storage = LocalStorage(tmp_path / "downloads-archive")
    with make_app(tmp_path, sqlite_databases.create(tmp_path)).app_context():
        add_demo(db.session())
        add_on(db.session(), old(), old(), later(), package_id="demo", installer="uv")
        run(db.session(), storage)
        db.session.remove()
    of_duckdb, of_clickhouse = (
        query.replace("/srv/downloads", f"{tmp_path}/downloads-archive/downloads")
        for query in queries()[:2]
    )
    assert duckdb.sql(of_duckdb).fetchall() == [("demo", 3)]
    # A library of that size is not loaded into the process of all other tests.
    program = "import chdb, sys; print(chdb.query(sys.argv[1], 'JSONEachRow'))"
    done = subprocess.run(
        [sys.executable, "-c", program, of_clickhouse], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
    assert [(row["installer"], int(row["downloads"])) for row in rows] == [("uv", 3)]
