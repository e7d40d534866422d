from __future__ import annotations

import pytest

from packslip.packages.importing import progress


def test_a_pipe_gets_a_plain_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 5.0, 11.0, 12.0, 22.0])
    monkeypatch.setattr(progress, "monotonic", lambda: next(clock))
    with progress.show_progress(4) as shown:
        shown.advance()
        shown.advance()
        shown.say("skipped: x")
        shown.advance()
        shown.advance()
    assert capsys.readouterr().err.splitlines() == ["2 of 4", "skipped: x", "4 of 4"]


def test_a_terminal_gets_a_bar_and_lines_above_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress.show_progress(2) as shown:
        shown.advance()
        shown.say("skipped: [red]x[/red]")
    told = capsys.readouterr().err
    assert "skipped: [red]x[/red]" in told
    assert "1/2" in told
