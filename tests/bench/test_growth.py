from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from bench.catalogue import Size
from rich.console import Console

from bench import growth, pages


def test_each_share_is_filled_and_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, Mapping[str, str]]] = []

    def answer(url: str, _: Path, paths: Mapping[str, str], rounds: int) -> dict[str, list[float]]:
        asked.append((url, paths))
        return {name: [7.5] * rounds for name in paths}

    monkeypatch.setattr(pages, "time_to_first_byte", answer)
    with (tmp_path / "out").open("w") as out:
        growth.measure(
            f"sqlite:///{tmp_path}/{growth.SHARE}.db",
            tmp_path,
            Size(packages=300, releases=2, users=5, files=2),
            1000,
            rounds=1,
            console=Console(file=out, width=200),
        )
    shown = (tmp_path / "out").read_text()
    assert [url.rpartition("/")[2] for url, _ in asked] == ["1.db", "10.db", "100.db"]
    assert {"simple page", "list of all packages", "home"} <= asked[0][1].keys()
    rows = {line.split("|")[1].strip(): line.split("|")[2:5] for line in shown.splitlines()[6:-1]}
    assert [cell.strip() for cell in rows["rows: files"]] == ["12", "120", "1,200"]
    assert [cell.strip() for cell in rows["rows: downloads"]] == ["10", "100", "1,000"]
    assert [cell.strip() for cell in rows["home"]] == ["7.5"] * 3
    assert "search: data" in rows
