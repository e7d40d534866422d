from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from tests.helpers.downloads import MOMENT, line, positions, taken_in, write_spool

from packslip.db import db
from packslip.downloads import drain as module
from packslip.downloads.drain import DrainBusyError, Drained, Drainer, drain
from packslip.downloads.models import Download
from packslip.downloads.spool import SpoolWriter, list_spools


def test_a_record_becomes_a_row_with_what_its_client_told(session: Session, tmp_path: Path) -> None:
    agent = (
        'pip/26.3 {"installer":{"name":"pip","version":"26.3"},"python":"3.11.7",'
        '"system":{"name":"Linux"}}'
    )
    record = line(7, address="192.0.2.1", user_agent=agent, user=3, token=4)
    write_spool(tmp_path, record)

    assert drain(session, tmp_path) == Drained(records=1)

    row = session.scalars(select(Download)).one()
    assert row.created_at == MOMENT
    assert (row.package_id, row.release_id, row.file) == ("demo", 7, "demo.whl")
    assert (row.ip_address, row.user_agent) == ("192.0.2.1", agent)
    assert (row.user_id, row.token_id) == (3, 4)
    assert (row.installer, row.installer_version) == ("pip", "26.3")
    assert (row.python_version, row.system) == ("3.11.7", "Linux")


def test_a_text_with_nul_is_taken_in_without_it(session: Session, tmp_path: Path) -> None:
    write_spool(tmp_path, line(1, user_agent="pip/1\0"))
    drain(session, tmp_path)
    assert session.scalars(select(Download.user_agent)).one() == "pip/1"


def test_draining_again_adds_only_what_came_since(session: Session, tmp_path: Path) -> None:
    writer = write_spool(tmp_path, line(1), line(2))
    assert drain(session, tmp_path).records == 2
    assert drain(session, tmp_path).records == 0
    writer.append(line(3))
    assert drain(session, tmp_path).records == 1
    assert taken_in(session) == [1, 2, 3]


def test_a_session_that_looked_before_another_drained_adds_nothing_again(
    session: Session, tmp_path: Path
) -> None:
    writer = write_spool(tmp_path, line(1))
    assert taken_in(session) == []
    with Session(db.engine) as other:
        drain(other, tmp_path)
    writer.append(line(2))
    assert drain(session, tmp_path) == Drained(records=1)
    assert taken_in(session) == [1, 2]


def test_a_folder_that_is_not_there_holds_nothing(session: Session, tmp_path: Path) -> None:
    assert drain(session, tmp_path / "downloads") == Drained()
    assert not (tmp_path / "downloads").exists()


def test_a_spool_stays_while_its_writer_lives_and_goes_with_its_position(
    session: Session, tmp_path: Path
) -> None:
    writer = write_spool(tmp_path, line(1))
    drain(session, tmp_path)
    assert list_spools(tmp_path)
    assert positions(session) == [len(line(1)) + 1]
    writer.close()
    drain(session, tmp_path)
    assert not list_spools(tmp_path)
    assert positions(session) == []
    assert taken_in(session) == [1]


def test_many_batches_are_taken_in_from_one_spool(session: Session, tmp_path: Path) -> None:
    lines = b"".join(line(number, user_agent="x" * 2000) + b"\n" for number in range(300))
    (tmp_path / "x.jsonl").write_bytes(lines)
    assert drain(session, tmp_path).records == 300
    assert taken_in(session) == list(range(300))


def test_torn_and_malformed_lines_are_passed_over(session: Session, tmp_path: Path) -> None:
    text = line(1) + b"\n" + line(2)[:20] + b"\n" + line(3) + b"\n" + line(4)[:-5]
    (tmp_path / "x.jsonl").write_bytes(text)
    assert drain(session, tmp_path) == Drained(records=2, malformed=2)
    assert taken_in(session) == [1, 3]
    assert not list_spools(tmp_path)


def test_a_torn_line_is_completed_when_its_writer_lives(session: Session, tmp_path: Path) -> None:
    writer = write_spool(tmp_path, line(1))
    (spool,) = list_spools(tmp_path)
    with spool.open("ab") as file:
        file.write(line(2)[:20])
    assert drain(session, tmp_path) == Drained(records=1)
    with spool.open("ab") as file:
        file.write(line(2)[20:] + b"\n")
    assert drain(session, tmp_path) == Drained(records=1)
    writer.append(line(3))
    drain(session, tmp_path)
    assert taken_in(session) == [1, 2, 3]


def test_a_spool_that_cannot_be_read_does_not_stop_the_others(
    session: Session, tmp_path: Path
) -> None:
    (tmp_path / "0.jsonl").mkdir()
    (tmp_path / "1.jsonl").write_bytes(line(1))
    drain(session, tmp_path)
    assert taken_in(session) == [1]


def test_a_drain_that_waits_for_nobody_says_so(session: Session, tmp_path: Path) -> None:
    write_spool(tmp_path, line(1))
    with module._only_drainer(tmp_path, wait=True), pytest.raises(DrainBusyError):
        drain(session, tmp_path, wait=False)
    assert drain(session, tmp_path, wait=False).records == 1


def test_two_drainers_at_once_take_each_record_in_once(session: Session, tmp_path: Path) -> None:
    writers = [write_spool(tmp_path, *(line(100 * n + i) for i in range(100))) for n in range(4)]
    engine = db.engine
    start = threading.Barrier(3)
    failures: list[Exception] = []

    def run() -> None:
        start.wait()
        try:
            with Session(engine) as own:
                for _ in range(5):
                    drain(own, tmp_path)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    start.wait()
    for number in range(400, 450):
        writers[0].append(line(number))
    for thread in threads:
        thread.join()
    drain(session, tmp_path)

    assert not failures
    assert taken_in(session) == list(range(450))


WRITER = """
import itertools, sys
from datetime import UTC, datetime
from pathlib import Path
import msgspec
from packslip.downloads.spool import DownloadRecord, SpoolWriter
writer = SpoolWriter(Path(sys.argv[1]), rotate_at=20_000)
for number in itertools.count():
    record = DownloadRecord(at=datetime.now(UTC), package="demo", release=number, file="demo.whl")
    writer.append(msgspec.json.encode(record))
    print(number, flush=True)
"""


def test_no_record_is_lost_or_doubled_when_its_process_is_killed(
    session: Session, tmp_path: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        for _ in range(500):
            writer.stdout.readline()
        drain(session, tmp_path)
        for _ in range(500):
            writer.stdout.readline()
        writer.kill()
        told = writer.stdout.read().split("\n")
    last = max([999, *(int(number) for number in told[:-1] if number)])

    drain(session, tmp_path)

    rows = taken_in(session)
    assert rows == list(range(len(rows)))
    # The record that was being written may be there or not; it was not told.
    assert len(rows) in (last + 1, last + 2)
    assert not list_spools(tmp_path)
    assert positions(session) == []


def open_session() -> Callable[[], Session]:
    engine = db.engine
    return lambda: Session(engine)


def wait_for_rows(session: Session, count: int) -> None:
    deadline = threading.Event()
    for _ in range(500):
        session.rollback()
        if session.scalar(select(func.count()).select_from(Download)) == count:
            return
        deadline.wait(0.02)
    raise AssertionError(f"no {count} rows: {taken_in(session)}")


def drain_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "drain"]


def test_the_thread_drains_what_was_written_before_each_wake(
    session: Session, tmp_path: Path
) -> None:
    writer = SpoolWriter(tmp_path)
    drainer = Drainer(writer, open_session())
    assert not drain_threads()
    for number in (1, 2):
        writer.append(line(number))
        drainer.wake()
        wait_for_rows(session, number)
    assert len(drain_threads()) == 1
    drainer.stop()
    assert not drain_threads()


def test_stopping_drains_once_more(session: Session, tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path)
    drainer = Drainer(writer, open_session())
    writer.append(line(1))
    drainer.wake()
    drainer.stop()
    assert taken_in(session) == [1]


def test_the_thread_goes_on_after_a_failure(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY", 0.01)
    sessions = open_session()
    failures = iter([ValueError("database gone")])

    def open_or_fail() -> Session:
        for failure in failures:
            raise failure
        return sessions()

    writer = write_spool(tmp_path, line(1))
    drainer = Drainer(writer, open_or_fail)
    drainer.wake()
    wait_for_rows(session, 1)
    drainer.stop()


def test_the_thread_comes_again_when_another_process_drains(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GATHER", 0.01)
    writer = write_spool(tmp_path, line(1))
    busy = threading.Event()
    real = module.drain

    def note_busy(*args: object, **kwargs: object) -> Drained:
        try:
            return real(*args, **kwargs)  # type: ignore[arg-type]
        except DrainBusyError:
            busy.set()
            raise

    monkeypatch.setattr(module, "drain", note_busy)
    drainer = Drainer(writer, open_session())
    with module._only_drainer(tmp_path, wait=True):
        drainer.wake()
        assert busy.wait(10)
        assert taken_in(session) == []
    wait_for_rows(session, 1)
    drainer.stop()
