"""What pages and searches cost on a hundredth, a tenth and the whole of a large index.

`python -m bench growth` makes the three of them (see `catalogue.py` and `traffic.py`), each in a
database of its own, and shows the times beside each other. Pages come from `packslip serve` with
one worker; searches are asked in this process.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bench import pages, search
from bench.catalogue import Size
from packslip.db import db
from packslip.downloads.models import Download
from packslip.packages.models import File, Package, Release

#: Percents of the whole.
SHARES = (1, 10, 100)

#: Stands for the share in a database's address.
SHARE = "{share}"

#: What is measured besides the pages of `bench pages`, and only grows where it lists all there is.
_SIMPLE = {"simple page": "/simple/{package}/", "list of all packages": "/simple/"}


def measure(
    database_url: str,
    folder: Path,
    size: Size,
    downloads: int,
    *,
    rounds: int,
    console: Console,
) -> None:
    """Measure each share in the database whose address has `SHARE` in it, and show all of them."""
    columns = {}
    for share in SHARES:
        console.print(f"Preparing {share} %")
        url, data = database_url.replace(SHARE, str(share)), folder / str(share)
        part = replace(size, packages=size.packages * share // 100)
        with pages.opened(data, url):
            pages.fill_up(db.session(), part, downloads * share // 100, console)
        columns[share] = _measured(url, data, rounds)
    _show(columns, console)


def _measured(url: str, data: Path, rounds: int) -> Mapping[str, str]:
    with pages.opened(data, url):
        session = db.session()
        held = _held(session)
        found = pages.paths_of(session)
        package = found["package"].split("/")[2]
        simple = {name: path.format(package=package) for name, path in _SIMPLE.items()}
        searches = search.timings(session, rounds)
    times = pages.time_to_first_byte(url, data, {**found, **simple}, rounds)
    medians = {name: f"{statistics.median(values):.1f}" for name, values in times.items()}
    asked = {f"search: {one.name}": f"{one.wall_ms:.1f}" for one in searches}
    return {**held, **medians, **asked}


def _held(session: Session) -> Mapping[str, str]:
    counted = {"packages": Package, "releases": Release, "files": File, "downloads": Download}
    return {
        f"rows: {name}": f"{session.scalar(select(func.count()).select_from(model)):,}"
        for name, model in counted.items()
    }


def _show(columns: Mapping[int, Mapping[str, str]], console: Console) -> None:
    table = Table(box=box.MARKDOWN)
    table.add_column("median ms")
    for share in columns:
        table.add_column(f"{share} %", justify="right")
    for name in columns[SHARES[0]]:
        table.add_row(name, *(column[name] for column in columns.values()))
    console.print(table)
