"""Tables of what was measured, for a terminal and for Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from rich import box
from rich.console import Console
from rich.table import Table

from bench.ratios import ratios
from bench.results import Results, Summary, summarise


@dataclass(frozen=True)
class Column:
    """A column: the metric that it shows, its heading, and the decimal places."""

    metric: str
    heading: str
    places: int = 0


_LOAD = (
    Column("cpu_ms", "CPU ms", 2),
    Column("per_s", "per s"),
    Column("cores", "cores", 2),
    Column("client_cores", "client", 2),
    Column("p50_ms", "p50 ms", 1),
    Column("p99_ms", "p99 ms", 1),
    Column("failures", "failed"),
)

_MORE = (
    Column("seconds", "s", 2),
    Column("server_cpu_ms", "CPU ms in all"),
    Column("pss_mb", "Pss MB", 1),
    Column("added_mb", "added MB", 1),
)

#: The columns of each suite, in the order in which they are read.
COLUMNS: dict[str, tuple[Column, ...]] = {
    "pages": _LOAD,
    "files": (*_LOAD, Column("mb_per_s", "MB/s")),
    "uploads": _LOAD,
    "install": (
        Column("seconds", "wall s", 2),
        Column("server_cpu_ms", "CPU ms"),
        Column("distributions", "distributions"),
    ),
    "start": (Column("seconds", "s", 2), Column("server_cpu_ms", "CPU ms")),
    "mirror install": (
        Column("seconds", "wall s", 2),
        Column("server_cpu_ms", "CPU ms"),
        Column("distributions", "distributions"),
        Column("pss_mb", "Pss MB", 1),
        Column("rss_mb", "Rss MB", 1),
        Column("processes", "processes"),
        Column("failures", "failed"),
    ),
    "peers": (*_LOAD, *_MORE),
    "sizes": (*_LOAD, *_MORE),
    "mirror pages": _LOAD,
    "mirror files": _LOAD,
    "memory": (
        Column("rss_mb", "Rss MB", 1),
        Column("pss_mb", "Pss MB", 1),
        Column("added_mb", "added MB", 1),
        Column("kept_mb", "kept MB", 1),
        Column("seconds", "s", 2),
        Column("mb_per_s", "MB/s"),
    ),
}


def report(results: Results, console: Console, *, markdown: bool = False) -> None:
    """Print what was measured on what, a table per suite, and what else a reader must know."""
    console.print(", ".join(f"{name}: {value}" for name, value in results.machine.items()))
    if markdown:
        console.print()
    console.print(", ".join(f"{name}: {value}" for name, value in results.options.items()))
    for suite, group in groupby(summarise(results.measurements), lambda one: one.suite):
        heading = f"## {suite}" if markdown else f"[bold]{suite}[/]"
        console.print(f"\n{heading}\n" if markdown else f"\n{heading}")
        console.print(_table(suite, list(group), markdown=markdown))
    for limit in results.limits():
        verdict = "kept" if limit.kept else "BROKEN"
        console.print(
            f"\nLimit {verdict}: {limit.case}: {limit.metric} at most {limit.worst:.1f}, "
            f"must be below {limit.below:g}",
            style=None if limit.kept else "bold red",
        )
    _report_ratios(results, console)
    for note in results.notes:
        console.print(f"Note: {note}", markup=False)


def _report_ratios(results: Results, console: Console) -> None:
    for ratio in ratios(results.measurements):
        verdict = "equal" if ratio.holds else "NOT EQUAL"
        console.print(
            f"\nMirrored beside hosted: {ratio.target}, {ratio.case}: CPU per answer "
            f"x {ratio.cpu:.2f}, answers per second x {ratio.per_s:.2f}: {verdict}",
            style=None if ratio.holds else "bold red",
        )


def shown(value: float | None, places: int) -> str:
    """A number as tables show it; nothing where it was not measured."""
    return "" if value is None else f"{value:,.{places}f}"


def _table(suite: str, rows: list[Summary], *, markdown: bool) -> Table:
    several = len({row.target for row in rows}) > 1
    columns = [c for c in COLUMNS[suite] if any(c.metric in row.values for row in rows)]
    table = Table(box=box.MARKDOWN if markdown else box.SIMPLE_HEAD, pad_edge=markdown)
    table.add_column("case", no_wrap=True)
    if several:
        table.add_column("server")
    for column in columns:
        table.add_column(column.heading, justify="right")
    for row in rows:
        cells = [shown(row.values.get(column.metric), column.places) for column in columns]
        style = "red" if row.values.get("failures") else None
        table.add_row(row.case, *([row.target] if several else []), *cells, style=style)
    return table
