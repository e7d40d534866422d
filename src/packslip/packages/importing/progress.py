"""Showing how far a long command has come, on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

#: Seconds between two lines where there is no terminal.
INTERVAL = 10


class Reporter(Protocol):
    """Shows progress."""

    def advance(self) -> None:
        """One more is done."""

    def say(self, line: str) -> None:
        """Print a line for the person who waits."""


class _Bar:
    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=total)

    def advance(self) -> None:
        self._progress.advance(self._task)

    def say(self, line: str) -> None:
        self._progress.console.print(line, markup=False, highlight=False, soft_wrap=True)


class _Lines:
    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._next = monotonic() + INTERVAL

    def advance(self) -> None:
        self._done += 1
        now = monotonic()
        if now >= self._next:
            self.say(f"{self._done} of {self._total}")
            self._next = now + INTERVAL

    def say(self, line: str) -> None:
        click.echo(line, err=True)


@contextmanager
def show_progress(total: int) -> Iterator[Reporter]:
    """A bar on a terminal; elsewhere a plain line now and then."""
    if not sys.stderr.isatty():
        yield _Lines(total)
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield _Bar(progress, total)
