"""How long searches take, in this process and without a server around them.

`python -m bench search` makes the index (see `catalogue.py`), asks each question some times, and
shows the median, and the number of statements, which must not grow with the index.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from bench.catalogue import Size, fill
from packslip import create_app
from packslip.db import db
from packslip.packages.models import Package
from packslip.search.queries import search
from packslip.search.request import Filters, SearchQuery, Sort
from packslip.setting_choices import Read
from packslip.upgrading import upgrade_schema

#: The median that no search should reach, in milliseconds.
LIMIT_MS = 50

QUERIES: dict[str, SearchQuery] = {
    "data": SearchQuery("data"),
    "python library": SearchQuery("python library"),
    "data, page 40": SearchQuery("data", page=40),
    "data, by date": SearchQuery("data", sort=Sort.DATE),
    "data, by downloads": SearchQuery("data", sort=Sort.DOWNLOADS),
    "data, by name": SearchQuery("data", sort=Sort.NAME),
    "data, MIT, Python 3.11": SearchQuery("data", Filters(license="MIT", python="3.11")),
    "data, Rust, yanked": SearchQuery("data", Filters(language="Rust", yanked=True)),
    "data, of an owner": SearchQuery("data", Filters(owner="user-7")),
    "data -python": SearchQuery("data -python"),
    '"machine learning"': SearchQuery('"machine learning"'),
    "game, a rarer word": SearchQuery("game"),
    "geometry audio video": SearchQuery("geometry audio video"),
    "da, two letters": SearchQuery("da"),
    "pipelnie, a typo": SearchQuery("pipelnie"),
    "nothing like it": SearchQuery("qqqwwwxxx"),
    "no words": SearchQuery(),
    "no words, by date": SearchQuery(sort=Sort.DATE),
    "no words, MIT": SearchQuery(filters=Filters(license="MIT")),
    "no words, yanked, Rust": SearchQuery(filters=Filters(yanked=True, language="Rust")),
    "twenty words": SearchQuery(
        "data python library web client api tools simple framework async http server file model"
        " test machine learning django flask json"
    ),
}


@dataclass(frozen=True)
class Timing:
    """What one question took: medians in milliseconds, statements, and what was found."""

    name: str
    wall_ms: float
    cpu_ms: float
    statements: int
    total: int


def measure(database_url: str, folder: Path, size: Size, rounds: int, console: Console) -> bool:
    """Fill the database if it is empty, measure, show it, and tell whether the limit was kept."""
    app = create_app(
        {
            "PACKSLIP_DATA": folder,
            "PACKSLIP_DATABASE_URL": database_url,
            "PACKSLIP_UPSTREAM_URL": "",
        }
    )
    with app.app_context():
        upgrade_schema()
        session = db.session()
        if not session.scalar(select(func.count()).select_from(Package)):
            _fill(session, size, console)
        found = timings(session, rounds)
        db.session.remove()
        db.engine.dispose()
    _show(found, console)
    return all(timing.wall_ms < LIMIT_MS for timing in found)


def timings(session: Session, rounds: int) -> list[Timing]:
    """Ask each question so many times."""
    return [_time(session, name, query, rounds) for name, query in QUERIES.items()]


def _fill(session: Session, size: Size, console: Console) -> None:
    with console.status("") as status:
        for done in fill(session, size):
            status.update(f"{done} of {size.packages} packages")


def _time(session: Session, name: str, query: SearchQuery, rounds: int) -> Timing:
    wall, cpu = [], []
    statements: list[str] = []

    def count(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    for _ in range(rounds + 1):
        session.rollback()
        event.listen(db.engine, "before_cursor_execute", count)
        statements.clear()
        began, used = time.perf_counter(), time.process_time()
        found = search(session, query, None, Read.PUBLIC)
        wall.append((time.perf_counter() - began) * 1e3)
        cpu.append((time.process_time() - used) * 1e3)
        event.remove(db.engine, "before_cursor_execute", count)
    # The first one prepares what the others find ready.
    return Timing(
        name,
        statistics.median(wall[1:]),
        statistics.median(cpu[1:]),
        len(statements),
        found.total,
    )


def _show(timings: list[Timing], console: Console) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("search")
    for heading in ("ms", "CPU ms here", "statements", "found"):
        table.add_column(heading, justify="right")
    for one in timings:
        cells = (f"{one.wall_ms:.1f}", f"{one.cpu_ms:.1f}", str(one.statements), f"{one.total:,}")
        style = "red" if one.wall_ms >= LIMIT_MS else None
        table.add_row(one.name, *cells, style=style)
    console.print(table)
