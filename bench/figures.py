"""The figures of a page of the documentation, written anew from the results of a run."""

from __future__ import annotations

import io
import re
from pathlib import Path

from rich.console import Console

from bench.goal_table import show_goals
from bench.results import Results

_PLACE = re.compile(r"(<!-- figures[^>]*-->\n).*?(<!-- end of figures -->)", re.DOTALL)


def write_figures(results: Results, page: Path) -> None:
    """Put machine, date and the table of goals between the page's two marks.

    Raises:
        ValueError: the page has no such marks.
    """
    drawn = io.StringIO()
    console = Console(file=drawn, width=400)
    for told in (results.machine, results.options):
        words = ", ".join(f"{name}: {value}" for name, value in told.items())
        console.print(words, markup=False, highlight=False)
        console.print()
    show_goals(results, console, markdown=True)
    for note in results.notes:
        console.print(f"\nNote: {note}", markup=False, highlight=False)
    lines = "\n".join(line.rstrip() for line in drawn.getvalue().splitlines())
    lines = re.sub(r"\n## goals\n", "", lines)
    text, number = _PLACE.subn(lambda found: f"{found[1]}{lines}\n{found[2]}", page.read_text())
    if number != 1:
        raise ValueError(f"{page.name} has no marks for figures")
    page.write_text(text)
