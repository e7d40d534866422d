from __future__ import annotations

from pathlib import Path

import pytest
from bench.recording import Load
from rich.console import Console

from bench import recording


def test_every_record_is_a_row_and_in_the_sums_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # How far behind it is hangs on what else the machine does.
    monkeypatch.setattr(recording, "LIMIT_BEHIND", 1000)
    url = f"sqlite:///{tmp_path / 'packslip.db'}"
    with (tmp_path / "out").open("w") as out:
        console = Console(file=out, width=200)
        load = Load(rate=500, seconds=1.0, processes=2)
        assert recording.measure(url, tmp_path, load, console)
        # What is there already is not counted.
        assert recording.measure(url, tmp_path, load, console)
    assert (tmp_path / "out").read_text().count(" 500 ") >= 2
