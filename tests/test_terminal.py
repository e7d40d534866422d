"""What commands print."""

from __future__ import annotations

import json

import pytest
from rich.console import Console

from packslip import terminal


def test_on_a_pipe_rows_are_lines_with_tabs(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_table(["Name", "Size"], [["demo", 3], ["other", None]])
    assert capsys.readouterr().out == "demo\t3\nother\t\n"


def test_a_cell_stays_one_cell_and_commands_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    terminal.print_table(["Name"], [["a\tb\x1b[31m\nc"]])
    assert capsys.readouterr().out == "a b [31m c\n"


def test_on_a_terminal_brackets_are_no_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(record=True, width=60, force_terminal=True)
    monkeypatch.setattr(terminal, "Console", lambda: console)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    terminal.print_table(["Name"], [["[red]demo[/red] [extra]"]])
    assert "[red]demo[/red] [extra]" in console.export_text()


def test_json_is_for_scripts_and_for_eyes(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_json({"names": ["ä"]})
    out = capsys.readouterr().out
    assert json.loads(out) == {"names": ["ä"]}
    assert "\n  " in out
