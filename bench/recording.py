"""Whether downloads that are recorded at a given rate are taken in as fast as they come.

`python -m bench recording` has processes record downloads as workers do, without answering
requests: each hands its records to a spool, and one of them at a time brings the spools into the
table. It shows how far the table was behind, what a record cost, and that none was lost or counted
twice.
"""

from __future__ import annotations

import gc
import multiprocessing
import random
import time
from dataclasses import dataclass
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import NamedTuple

from flask import Flask
from rich import box
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from packslip import create_app
from packslip.db import db
from packslip.downloads.drain import drain
from packslip.downloads.models import WHOLE_INDEX, Download, DownloadTotal
from packslip.downloads.recorder import current_recorder
from packslip.upgrading import upgrade_schema

#: Seconds that the table may be behind. Drains come once a second.
LIMIT_BEHIND = 5.0

#: Different packages; a few of them have most of the downloads.
PACKAGES = 2_000

#: Seconds between two handfuls of records of a process.
_TICK = 0.01

_USER_AGENTS = [
    f'{tool} {{"installer":{{"name":"{name}","version":"{version}"}},'
    f'"python":"3.{minor}.4","system":{{"name":"{system}","release":"6.1"}}}}'
    for tool, name, version in (("pip/25.3", "pip", "25.3"), ("uv/0.9.5", "uv", "0.9.5"))
    for minor in (10, 11, 12, 13, 14)
    for system in ("Linux", "Darwin", "Windows")
]


@dataclass(frozen=True)
class Load:
    """So many records a second, from so many processes, for so long."""

    rate: int
    seconds: float
    processes: int

    @property
    def records(self) -> int:
        """All of them."""
        return self.per_process * self.processes

    @property
    def per_process(self) -> int:
        """Those of one process."""
        return int(self.rate * self.seconds / self.processes)


@dataclass(frozen=True)
class Recorded:
    """What came of it."""

    #: Records that were offered, and rows that there are.
    records: int
    rows: int
    #: The sum that pages show.
    summed: int
    #: Records in each second, from the first to the last.
    rate: float
    #: Seconds of records that were no rows yet, at the worst.
    behind: float
    #: CPU seconds of all processes, the database's own not among them.
    cpu: float

    @property
    def exact(self) -> bool:
        """Whether every record is one row, and in the sums once."""
        return self.records == self.rows == self.summed


class _Place(NamedTuple):
    """Where rows go, and spools."""

    database_url: str
    folder: Path


def measure(database_url: str, folder: Path, load: Load, console: Console) -> bool:
    """Record, show what came of it, and tell whether all was there, and in time.

    The database may hold downloads already; those are not counted.
    """
    place = _Place(database_url, folder)
    app = _app(place)
    with app.app_context():
        upgrade_schema()
        session = db.session()
        found = _record(session, place, load)
        db.session.remove()
        db.engine.dispose()
    _show(load, found, console)
    return found.exact and found.behind < LIMIT_BEHIND


def _app(place: _Place) -> Flask:
    return create_app(
        {
            "PACKSLIP_DATA": place.folder,
            "PACKSLIP_DATABASE_URL": place.database_url,
            "PACKSLIP_UPSTREAM_URL": "",
        }
    )


def _record(session: Session, place: _Place, load: Load) -> Recorded:
    rows_before, summed_before = _rows(session), _summed(session)
    context = multiprocessing.get_context("spawn")
    results: Queue[tuple[float, float, float]] = context.Queue()
    start = context.Event()
    workers = [
        context.Process(target=_work, args=(place, load, number, start, results))
        for number in range(load.processes)
    ]
    for worker in workers:
        worker.start()
    for _ in workers:
        results.get()
    start.set()
    began = time.monotonic()
    behind = 0.0
    while (passed := time.monotonic() - began) < load.seconds:
        time.sleep(0.2)
        due = min(passed * load.rate, load.records)
        behind = max(behind, (due - (_summed(session) - summed_before)) / load.rate)
    told = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    drain(session, place.folder / "downloads")
    return Recorded(
        records=load.records,
        rows=_rows(session) - rows_before,
        summed=_summed(session) - summed_before,
        rate=load.records / (max(one[1] for one in told) - min(one[0] for one in told)),
        behind=behind,
        cpu=sum(one[2] for one in told),
    )


def _work(
    place: _Place,
    load: Load,
    number: int,
    start: Event,
    results: Queue[tuple[float, float, float]],
) -> None:
    """Record at the pace that is wanted; tell when it began and ended, and what it used."""
    chosen = random.Random(number)
    app = _app(place)
    with app.app_context():
        recorder = current_recorder()
        # As a server does, so that no collection goes through its modules.
        gc.freeze()
        results.put((0.0, 0.0, 0.0))
        start.wait()
        began, used = time.monotonic(), time.process_time()
        pace = load.rate / load.processes
        done = 0
        while done < load.per_process:
            due = min(int((time.monotonic() - began) * pace), load.per_process)
            for _ in range(done, due):
                package = int(PACKAGES * chosen.random() ** 3)
                recorder.record(
                    package_id=f"package-{package}",
                    release_id=package * 10 + chosen.randrange(3),
                    filename=f"package_{package}-1.0-py3-none-any.whl",
                    address=f"192.0.2.{chosen.randrange(256)}",
                    user_agent=chosen.choice(_USER_AGENTS),
                )
            done = due
            time.sleep(_TICK)
        ended = time.monotonic()
        recorder.close()
        results.put((began, ended, time.process_time() - used))


def _rows(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Download)) or 0


def _summed(session: Session) -> int:
    session.rollback()
    query = select(DownloadTotal.downloads).where(DownloadTotal.package_id == WHOLE_INDEX)
    return session.scalar(query) or 0


def _show(load: Load, found: Recorded, console: Console) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("wanted per s", "recorded per s", "processes", "records", "rows", "in sums"):
        table.add_column(heading, justify="right")
    table.add_column("behind, s", justify="right")
    table.add_column("CPU us per record", justify="right")
    table.add_row(
        f"{load.rate:,}",
        f"{found.rate:,.0f}",
        str(load.processes),
        f"{found.records:,}",
        f"{found.rows:,}",
        f"{found.summed:,}",
        f"{found.behind:.1f}",
        f"{found.cpu / found.records * 1e6:.0f}",
        style=None if found.exact and found.behind < LIMIT_BEHIND else "red",
    )
    console.print(table)
