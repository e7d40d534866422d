from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from packslip.snapshots import DatabaseCopyError, take_snapshot


def test_a_copy_is_one_moment_while_others_write(tmp_path: Path) -> None:
    path = tmp_path / "packslip.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE one (n)")
        database.execute("CREATE TABLE filler (data)")
        database.execute("CREATE TABLE two (n)")
        # Several steps of the copy.
        database.executemany("INSERT INTO filler VALUES (?)", [(bytes(4000),)] * 9000)
    written, enough = threading.Event(), threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(path, timeout=20, isolation_level=None)) as database:
            number = 0
            while not enough.is_set():
                number += 1
                database.execute("BEGIN IMMEDIATE")
                database.execute("INSERT INTO one VALUES (?)", (number,))
                database.execute("INSERT INTO two VALUES (?)", (number,))
                database.execute("COMMIT")
                written.set()

    writer = threading.Thread(target=write)
    writer.start()
    engine = create_engine(f"sqlite:///{path}")
    try:
        assert written.wait(20)
        for turn in range(3):
            with take_snapshot(engine, tmp_path / f"copy{turn}") as copy:
                counts = copy.connection.execute(
                    text("SELECT (SELECT count(*) FROM one), (SELECT count(*) FROM two)")
                ).one()
                assert counts[0] == counts[1] > 0
    finally:
        enough.set()
        writer.join()
        engine.dispose()


def test_a_damaged_database_is_no_copy(tmp_path: Path) -> None:
    path = tmp_path / "packslip.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE one (n)")
        database.executemany("INSERT INTO one VALUES (?)", [("x" * 300,)] * 300)
    data = bytearray(path.read_bytes())
    data[8192:12288] = b"\xff" * 4096
    path.write_bytes(data)
    engine = create_engine(f"sqlite:///{path}")
    with pytest.raises(DatabaseCopyError), take_snapshot(engine, tmp_path / "copy"):
        pass
    engine.dispose()
