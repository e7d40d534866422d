"""How long pages take to begin, and how many statements each of them needs.

`python -m bench pages` makes an index (see `catalogue.py` and `traffic.py`), starts `packslip
serve` on it with one worker, and measures the time to the first byte of each page over one
connection, one request after the other. The statements are counted in this process, on that index
and on a small one: their number must not grow with what there is.
"""

from __future__ import annotations

import http.client
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from flask import Flask
from rich import box
from rich.console import Console
from rich.table import Table
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from bench.catalogue import Size, fill
from bench.server import HOST, Server, packslip
from bench.traffic import add_downloads
from packslip import create_app
from packslip.accounts.models import User
from packslip.db import db, write_transaction
from packslip.downloads.models import WHOLE_INDEX, Download, DownloadTotal
from packslip.packages.models import Package
from packslip.upgrading import upgrade_schema

#: The median that no page should reach, in milliseconds.
LIMIT_MS = 50

#: A catalogue that has everything, and only little of it.
SMALL = Size(packages=60, releases=3, users=5)
SMALL_DOWNLOADS = 2_000


@dataclass(frozen=True)
class Timing:
    """What one page took: times to the first byte in milliseconds, and statements."""

    path: str
    median_ms: float
    slowest_ms: float
    statements: int
    #: On an index that holds little.
    statements_of_small: int

    @property
    def is_kept(self) -> bool:
        """Whether the page begins soon enough, and its statements do not grow."""
        return self.median_ms < LIMIT_MS and self.statements <= self.statements_of_small


def measure(
    database_url: str, folder: Path, size: Size, downloads: int, *, rounds: int, console: Console
) -> bool:
    """Fill the database if it is empty, measure, show it, and tell whether the limits were kept."""
    with opened(folder / "large", database_url) as app:
        fill_up(db.session(), size, downloads, console)
        paths = paths_of(db.session())
        counts = _count_statements(app, paths)
    with opened(folder / "small", f"sqlite:///{folder / 'small.db'}") as app:
        fill_up(db.session(), SMALL, SMALL_DOWNLOADS, console)
        small = _count_statements(app, paths_of(db.session()))
    times = time_to_first_byte(database_url, folder / "large", paths, rounds)
    timings = [
        Timing(path, statistics.median(times[name]), max(times[name]), counts[name], small[name])
        for name, path in paths.items()
    ]
    _show(timings, console)
    return all(timing.is_kept for timing in timings)


@contextmanager
def opened(folder: Path, database_url: str) -> Iterator[Flask]:
    """An application on a database with the newest schema, within its context."""
    app = create_app(
        {
            "PACKSLIP_DATA": folder,
            "PACKSLIP_DATABASE_URL": database_url,
            "PACKSLIP_UPSTREAM_URL": "",
        }
    )
    with app.app_context():
        upgrade_schema()
        yield app
        db.session.remove()
        db.engine.dispose()


def fill_up(session: Session, size: Size, downloads: int, console: Console) -> None:
    """Give an empty database what is to be measured; one that has something is left as it is."""
    if session.scalar(select(func.count()).select_from(Package)) == 0:
        with console.status("") as status:
            for done in fill(session, size):
                status.update(f"{done:,} of {size.packages:,} packages")
    if session.scalar(select(Download.id).limit(1)) is None:
        with console.status("") as status:
            for done in add_downloads(session, downloads):
                status.update(f"{done:,} of {downloads:,} downloads, and then their sums")
    with write_transaction(session):
        # An index where nobody can log in shows the set-up form alone.
        session.get_one(User, 1).hashed_password = "$argon2id$"


def paths_of(session: Session) -> Mapping[str, str]:
    """The pages to measure; those of a package are of the one with the most downloads."""
    most = session.scalars(
        select(DownloadTotal.package_id)
        .where(DownloadTotal.package_id != WHOLE_INDEX)
        .order_by(DownloadTotal.recent.desc())
        .limit(1)
    ).one()
    return {
        "home": "/",
        "search": "/search/?q=data",
        "search without words": "/search/",
        "package": f"/project/{most}/",
        "releases": f"/project/{most}/releases/",
        "files": f"/project/{most}/files/",
        "downloads of a package": f"/project/{most}/downloads/",
        "downloads of it in a year": f"/project/{most}/downloads/?days=365",
        "statistics": "/stats/",
        "statistics of a year": "/stats/?days=365",
    }


def _count_statements(app: Flask, paths: Mapping[str, str]) -> dict[str, int]:
    statements: list[str] = []

    def note(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    counts = {}
    client = app.test_client()
    event.listen(db.engine, "before_cursor_execute", note)
    for name, path in paths.items():
        client.get(path)
        statements.clear()
        answer = client.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status}"
        counts[name] = len(statements)
    event.remove(db.engine, "before_cursor_execute", note)
    return counts


def time_to_first_byte(
    database_url: str, data: Path, paths: Mapping[str, str], rounds: int
) -> Mapping[str, Sequence[float]]:
    """Milliseconds to the first byte of each page, from a server with one worker."""
    target = packslip()
    target = replace(
        target,
        command=(*target.command, "--workers", "1"),
        environment={**target.environment, "PACKSLIP_DATABASE_URL": database_url},
    )
    times: dict[str, list[float]] = {name: [] for name in paths}
    with Server(target, data).running() as server:
        connection = http.client.HTTPConnection(HOST, server.port)
        for number in range(rounds + 1):
            for name, path in paths.items():
                took = _first_byte(connection, path)
                # The first one prepares what the others find ready.
                if number:
                    times[name].append(took)
        connection.close()
    return times


def _first_byte(connection: http.client.HTTPConnection, path: str) -> float:
    began = time.perf_counter()
    connection.request("GET", path, headers={"Accept": "text/html"})
    response = connection.getresponse()
    took = (time.perf_counter() - began) * 1e3
    response.read()
    if response.status != http.client.OK:
        raise AssertionError(f"{path}: {response.status} {response.reason}")
    return took


def _show(timings: Sequence[Timing], console: Console) -> None:
    table = Table(box=box.SIMPLE)
    for column in ("page", "median ms", "slowest ms", "statements", "of a small index"):
        table.add_column(column, justify="left" if column == "page" else "right")
    for timing in timings:
        table.add_row(
            timing.path,
            f"{timing.median_ms:.1f}",
            f"{timing.slowest_ms:.1f}",
            str(timing.statements),
            str(timing.statements_of_small),
            style=None if timing.is_kept else "bold red",
        )
    console.print(table)
