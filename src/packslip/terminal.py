"""What commands print: tables for people, JSON for scripts."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class NeedsTerminalError(click.ClickException):
    """A command would ask somebody, and nobody is there."""

    exit_code = 2


def is_interactive() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty()


def print_json(data: Any) -> None:
    """Print `data` as indented JSON on standard output."""
    click.echo(msgspec.json.format(msgspec.json.encode(data)).decode())


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows under headings; on a pipe, tab-separated lines without headings."""
    texts = [[_cell(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in texts:
            click.echo("\t".join(row))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in texts:
        # As `Text`, so that brackets in it are not taken for markup.
        table.add_row(*map(Text, row))
    Console().print(table)


def _cell(value: object) -> str:
    # A tab would end the cell, and other control characters could command the terminal.
    return "" if value is None else _CONTROL.sub(" ", str(value))
