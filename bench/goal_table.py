"""The table of goals, for a terminal and for Markdown."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

from bench.goals import ELSEWHERE, Judgement, Row, judge
from bench.results import Results

_WORDS = {True: "yes", False: "NO", None: "not measured"}


def show_goals(results: Results, console: Console, *, markdown: bool = False) -> None:
    """Print each goal with its figures and whether it holds."""
    rows = judge(results.measurements)
    table = Table(box=box.MARKDOWN if markdown else box.SIMPLE_HEAD, pad_edge=markdown)
    table.add_column("job")
    for heading in ("Packslip", "best peer", "nginx"):
        table.add_column(heading, justify="right")
    table.add_column("goal")
    table.add_column("holds")
    for row in rows:
        style = "red" if row.holds is False else None
        table.add_row(*_cells(row), style=None if markdown else style)
    console.print("\n## goals\n" if markdown else "\n[bold]goals[/]")
    console.print(table)
    known = [row.holds for row in rows if row.holds is not None]
    console.print(
        f"{sum(known)} of {len(known)} goals hold; {len(rows) - len(known)} were not measured."
    )
    for words, command in ELSEWHERE.items():
        console.print(f"Measured by `{command}`: {words}", markup=False)


def _cells(row: Row) -> tuple[str, ...]:
    best = "" if row.best is None else f"{_figure(row.best[1])} ({row.best[0]})"
    return (
        f"{row.goal.job} ({row.goal.unit})",
        _figure(row.own),
        best,
        _figure(row.nginx),
        "; ".join(map(_bound, row.judgements)),
        _WORDS[row.holds],
    )


def _bound(one: Judgement) -> str:
    allowed = "" if one.allowed is None else f" = {_figure(one.allowed)}"
    verdict = {True: "", False: " (no)", None: " (?)"}[one.holds]
    return f"{one.words}{allowed if 'at most' not in one.words else ''}{verdict}"


def _figure(value: float | None) -> str:
    """Three digits that mean something."""
    if value is None:
        return ""
    places = 3 if value < 1 else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:,.{places}f}"
