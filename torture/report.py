"""The table of what was tried, survived and lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from torture.tally import words
from torture.trials import Result

_COLUMNS = ("trial", "tried", "survived", "lost", "seconds", "")

#: Faults that are printed; a broken trial has many of one kind.
_MOST = 10


def report(results: Sequence[Result], machine: Mapping[str, str], console: Console) -> None:
    """Print the table, and below it every fault."""
    console.print(", ".join(f"{name}: {value}" for name, value in machine.items()))
    table = Table(box=box.SIMPLE_HEAD, header_style="bold")
    for column in _COLUMNS:
        table.add_column(
            column, overflow="fold", justify="right" if column == "seconds" else "left"
        )
    for result in results:
        style = "green" if result.is_passed else "bold red"
        *cells, verdict = _cells(result)
        table.add_row(*map(Text, cells), Text(verdict, style=style))
    console.print(table)
    for result in results:
        for fault in result.tally.faults[:_MOST]:
            console.print(Text(f"{result.name}: {fault}", style="red"))


def markdown(results: Sequence[Result], machine: Mapping[str, str]) -> str:
    """The same for a page."""
    lines = [
        ", ".join(f"{name}: {value}" for name, value in machine.items()),
        "",
        "| trial | tried | survived | lost | seconds | |",
        "|---|---|---|---|---:|---|",
    ]
    lines += [f"| {' | '.join(_cells(result))} |" for result in results]
    return "\n".join(lines)


def _cells(result: Result) -> list[str]:
    tally = result.tally
    return [
        result.name,
        words(tally.tried),
        words(tally.survived),
        words(tally.lost),
        f"{result.seconds:.0f}",
        tally.skipped or result.verdict,
    ]
